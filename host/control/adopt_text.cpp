#include "control/adopt_text.hpp"

#include "control/repartition_text.hpp"
#include "control/text_table.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace projector::control {
namespace {

constexpr std::size_t kShownEvents = 20;

std::string or_dash(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string time_text(const std::optional<std::int64_t>& microseconds) {
  return microseconds
             ? fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(*microseconds / 1000000)))
             : "-";
}

std::string what_becomes_of(const projection::AdoptedPartition& one) {
  if (!one.found) {
    return one.own ? "inserted: its row was deleted, which requests a new start"
                   : "inserted: it has no row, so its worker has never handled an event";
  }
  if (*one.found == one.position) {
    return "kept";
  }
  return fmt::format("moved back to {}", one.position);
}

std::string rows_text(const AdoptionFindings& findings) {
  std::vector<std::vector<std::string>> rows{{"ROW", "FOUND", "LAST MOVED", "STARTS AT", "WHAT BECOMES OF IT"}};
  for (const auto& one : findings.plan.partitions) {
    rows.push_back(
        {one.name, or_dash(one.found), time_text(one.moved_at), std::to_string(one.position), what_becomes_of(one)});
  }
  for (const auto& row : findings.plan.surplus) {
    rows.push_back({row.name, std::to_string(row.position), time_text(row.moved_at), "-",
                    row.name.find(' ') == std::string::npos
                        ? fmt::format("deleted: no partition of {}", findings.request.partitions)
                        : "left alone"});
  }
  return text_table(rows);
}

std::string events(std::int64_t n) {
  return fmt::format("{} event{}", n, n == 1 ? "" : "s");
}

std::string repeated_text(const AdoptionFindings& findings) {
  const auto sum = std::accumulate(findings.repeated.begin(), findings.repeated.end(), std::int64_t{0});
  return sum == 0 ? "" : fmt::format("At most {} may be handled twice.\n", events(sum));
}

/// What the rows do not show.
std::string doubts_text(const AdoptionFindings& findings) {
  std::string text;
  const auto& partitions = findings.plan.partitions;
  const auto first_missing =
      std::find_if(partitions.begin(), partitions.end(), [](const auto& one) { return !one.found; });
  const auto n_rows = static_cast<std::size_t>(first_missing - partitions.begin());
  if (first_missing != partitions.end() && n_rows > 0 &&
      std::all_of(first_missing, partitions.end(), [](const auto& one) { return !one.found; })) {
    text += fmt::format("If the old workers ran with {} partitions, take those over (--partitions {}) and run "
                        "\"projectorctl repartition {} --to {}\", which handles nothing again.\n",
                        n_rows, n_rows, findings.request.projection, partitions.size());
  }
  if (!findings.plan.surplus.empty() && !findings.request.lowest) {
    text +=
        "Events above a row that is deleted, which the old workers had not handled when they changed their count, "
        "were lost then, and this command does not find them; with --lowest they are handled if one count divides the "
        "other.\n";
  }
  return text;
}

std::string missed_text(const AdoptionFindings& findings) {
  std::string text;
  const auto& missed = findings.missed;
  for (std::size_t n = 0; n < std::min(missed.events.size(), kShownEvents); ++n) {
    const auto& event = missed.events[n];
    text +=
        fmt::format("missed: position {} of {}, partition {}\n", event.position, event.aggregate_id, event.partition);
  }
  if (missed.events.size() > kShownEvents) {
    text += fmt::format("missed: and {} more\n", missed.events.size() - kShownEvents);
  }
  if (!missed.unknown.empty()) {
    return text +
           fmt::format("Which events below the rows were committed after the old program had read past them, and "
                       "before this command, is not known: {}.\n",
                       missed.unknown);
  }
  return text + fmt::format("Events below the rows that were committed after these had last been moved were looked for "
                            "above position {}. What the old program missed before that is not known.\n",
                            missed.looked_from);
}

} // namespace

std::string findings_text(const AdoptionFindings& findings) {
  return rows_text(findings) + repeated_text(findings) + doubts_text(findings) + missed_text(findings);
}

std::string missed_refusal(const AdoptionFindings& findings) {
  const auto n = static_cast<std::int64_t>(findings.missed.events.size());
  return fmt::format("{} below the rows {} committed after the old program had read past {}, so it has not handled {}; "
                     "run this again with --missed back, which starts the partitions concerned below the first of "
                     "them (with --dry-run it says how many events may be handled twice then), or with --missed leave "
                     "where they are handled in another way\n",
                     events(n), n == 1 ? "was" : "were", n == 1 ? "it" : "them", n == 1 ? "it" : "them");
}

std::string adopted_text(const config::Projection& projection, const AdoptionFindings& findings) {
  return fmt::format("{} is this host's now, with {} partition{}. ", projection.name, findings.plan.partitions.size(),
                     findings.plan.partitions.size() == 1 ? "" : "s") +
         next_step_text(projection, findings.plan.partitions.size());
}

} // namespace projector::control
