#include "projection/adoption_plan.hpp"

#include "pg/quote.hpp"
#include "projection/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace projector::projection {
namespace {

std::string names_of(const std::vector<ForeignRow>& rows) {
  std::string names;
  for (const auto& row : rows) {
    names += (names.empty() ? "" : ", ") + row.name;
  }
  return names;
}

CheckpointKey key_of(const AdoptionRequest& request, std::uint32_t partition) {
  return {request.checkpoint, partition, request.partitions};
}

std::string expected_names(const AdoptionRequest& request) {
  return request.partitions == 1 ? request.checkpoint
                                 : fmt::format("{0}_p0 to {0}_p{1}", request.checkpoint, request.partitions - 1);
}

constexpr const char* kTakeLowest =
    "or add --lowest, which starts each partition at the lowest position that was found for it (with --dry-run it says "
    "how many events may be handled twice then)";

/// Whether the rows are as this host left them with its own partition count.
bool untouched(const std::vector<ForeignRow>& found, const OwnRows& own) {
  return found.size() == own.positions.size() && std::all_of(found.begin(), found.end(), [&](const ForeignRow& row) {
           const auto ours = own.positions.find(row.name);
           return ours != own.positions.end() && ours->second == row.position;
         });
}

/// Puts the rows of this partition count into the plan, and all others aside.
AdoptionPlan sort_rows(const AdoptionRequest& request, const std::vector<ForeignRow>& found,
                       const std::optional<OwnRows>& own) {
  AdoptionPlan plan;
  plan.surplus = found;
  for (std::uint32_t partition = 0; partition < request.partitions; ++partition) {
    AdoptedPartition adopted{.name = key_of(request, partition).name(), .partition = partition, .found = {}, .own = {}};
    const auto row = std::find_if(plan.surplus.begin(), plan.surplus.end(),
                                  [&](const ForeignRow& one) { return one.name == adopted.name; });
    if (row != plan.surplus.end()) {
      adopted.found = row->position;
      adopted.moved_at = row->moved_at;
      plan.surplus.erase(row);
    }
    if (own && own->partitions == request.partitions) {
      const auto ours = own->positions.find(adopted.name);
      adopted.own = ours == own->positions.end() ? std::nullopt : std::optional(ours->second);
    }
    adopted.position = adopted.handled = adopted.found.value_or(request.missing_at);
    plan.partitions.push_back(std::move(adopted));
  }
  for (auto& one : plan.partitions) {
    for (const auto& row : plan.surplus) {
      one.handled = one.found ? one.handled : std::max(one.handled, row.position);
    }
    one.handled = one.found ? one.handled : std::max(one.handled, one.own.value_or(0));
  }
  return plan;
}

/// Why the rows cannot have been written with this partition count; empty: they can.
std::string refuse_count(const AdoptionRequest& request, const std::vector<ForeignRow>& found,
                         const std::optional<OwnRows>& own, const AdoptionPlan& plan) {
  if (found.empty()) {
    return fmt::format("{} has no row of {}: there is nothing to take over; when it is started it begins where "
                       "start_from says",
                       request.table, request.checkpoint);
  }
  if (own && own->partitions != request.partitions && untouched(found, *own)) {
    return fmt::format("nobody but this host has written the rows of {}, with {} partitions; for another count run "
                       "\"projectorctl repartition {} --to {}\"",
                       request.checkpoint, own->partitions, request.projection, request.partitions);
  }
  if (plan.surplus.size() == found.size()) {
    return fmt::format("{} has no row of {} partitions: found {}, expected {}; name the count that the old workers ran "
                       "with, and change it later with \"projectorctl repartition\"",
                       request.table, request.partitions, names_of(found), expected_names(request));
  }
  return {};
}

/// Why the surplus rows may be the valid ones; empty: they are not.
std::string refuse_surplus(const AdoptionRequest& request, const std::vector<ForeignRow>& found,
                           const AdoptionPlan& plan) {
  std::optional<std::int64_t> oldest_kept;
  for (const auto& row : found) {
    const bool kept = std::none_of(plan.surplus.begin(), plan.surplus.end(),
                                   [&](const ForeignRow& one) { return one.name == row.name; });
    if (kept && row.moved_at) {
      oldest_kept = std::min(oldest_kept.value_or(*row.moved_at), *row.moved_at);
    }
  }
  std::vector<ForeignRow> unsure;
  std::copy_if(plan.surplus.begin(), plan.surplus.end(), std::back_inserter(unsure),
               [&](const ForeignRow& row) { return !row.moved_at || !oldest_kept || *row.moved_at >= *oldest_kept; });
  if (unsure.empty()) {
    return {};
  }
  return fmt::format("{} does not show that the old workers last ran with {} partitions: {} {} no partition of that "
                     "count, and {} not older than the rows that are; name the count that they ran with, {}",
                     request.table, request.partitions, names_of(unsure), unsure.size() == 1 ? "is" : "are",
                     unsure.size() == 1 ? "it is" : "they are", kTakeLowest);
}

/// Why a row that is behind this host's own position may be the valid one; empty: it is not.
std::string refuse_behind(const AdoptionRequest& request, const AdoptionPlan& plan) {
  for (const auto& one : plan.partitions) {
    if (one.own && one.found && *one.found < *one.own) {
      return fmt::format("{} says {} for {}, behind this host's own position {}: to keep this host's position, run "
                         "UPDATE {} SET last_global_position = {} WHERE projection_name = {} and this again, {}",
                         request.table, *one.found, one.name, *one.own, request.table, *one.own,
                         pg::quote_literal(one.name), kTakeLowest);
    }
  }
  return {};
}

/// Whether the surplus rows leave one out: a worker of their count that has never run, and so stands at the beginning.
bool leaves_one_out(const AdoptionRequest& request, const AdoptionPlan& plan) {
  std::set<std::string> names;
  for (const auto& row : plan.surplus) {
    if (row.name.starts_with(request.checkpoint + "_p")) {
      names.insert(row.name);
    }
  }
  // As many as there are, without a gap, have the numbers that follow those of the partitions.
  for (std::size_t n = 0; n < names.size(); ++n) {
    const auto number = (request.partitions == 1 ? 0 : request.partitions) + n;
    if (!names.contains(fmt::format("{}_p{}", request.checkpoint, number))) {
      return true;
    }
  }
  return false;
}

void take_lowest(const AdoptionRequest& request, AdoptionPlan& plan) {
  const bool from_the_beginning = leaves_one_out(request, plan);
  for (auto& one : plan.partitions) {
    one.handled = std::max(one.handled, one.own.value_or(0));
    one.position = from_the_beginning ? 0 : one.position;
    for (const auto& row : plan.surplus) {
      one.position = std::min(one.position, row.position);
      one.handled = std::max(one.handled, row.position);
    }
  }
}

} // namespace

AdoptionPlan plan_adoption(const AdoptionRequest& request, const std::vector<ForeignRow>& found,
                           const std::optional<OwnRows>& own) {
  auto plan = sort_rows(request, found, own);
  plan.refusal = refuse_count(request, found, own, plan);
  if (!plan.refusal.empty()) {
    return plan;
  }
  if (request.lowest) {
    take_lowest(request, plan);
    return plan;
  }
  plan.refusal = refuse_surplus(request, found, plan);
  if (plan.refusal.empty()) {
    plan.refusal = refuse_behind(request, plan);
  }
  return plan;
}

} // namespace projector::projection
