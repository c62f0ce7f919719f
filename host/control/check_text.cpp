#include "control/check_text.hpp"

#include "control/text_table.hpp"

#include <fmt/format.h>

namespace projector::control {
namespace {

std::string_view to_string(CheckedProjection::State state) {
  switch (state) {
  case CheckedProjection::State::Good:
    return "good";
  case CheckedProjection::State::Missing:
    return "missing";
  case CheckedProjection::State::Refused:
    return "refused";
  case CheckedProjection::State::Disabled:
    return "disabled";
  }
  return "";
}

std::string checkpoint_names(const CheckedProjection& projection) {
  return projection.partitions == 1 ? projection.checkpoint
                                    : fmt::format("{0}_p0..{0}_p{1}", projection.checkpoint, projection.partitions - 1);
}

std::string plugin_text(const CheckedProjection& projection) {
  if (projection.file.empty()) {
    return fmt::format("missing: no plugin directory holds {}.so", projection.plugin);
  }
  return projection.file.string() + (projection.version.empty() ? "" : ", version " + projection.version);
}

} // namespace

std::string configuration_problems(const config::Loaded& loaded) {
  std::string text;
  for (const auto& problem : loaded.main_problems) {
    text += config::to_string(problem) + "\n";
  }
  for (const auto& file : loaded.refused) {
    for (const auto& problem : file.problems) {
      text += fmt::format("{} (this file is refused, {})\n", config::to_string(problem),
                          file.last_good ? "its last good version stays in use" : "the others are used");
    }
  }
  for (const auto& warning : loaded.warnings) {
    text += "warning: " + config::to_string(warning) + "\n";
  }
  return text;
}

std::string check_text(const CheckReport& report) {
  if (!report.loaded.configuration) {
    return "";
  }
  std::string text;
  if (const auto& worker = report.loaded.configuration->worker) {
    text += fmt::format("this host is worker {} of {}\n", worker->id, worker->total);
  }
  std::vector<std::vector<std::string>> rows = {{"PROJECTION", "STATE", "PARTITIONS", "CHECKPOINT", "PLUGIN"}};
  for (const auto& projection : report.projections) {
    rows.push_back({projection.name, std::string(to_string(projection.state)), std::to_string(projection.partitions),
                    checkpoint_names(projection), plugin_text(projection)});
  }
  text +=
      report.projections.empty() ? "no projection is configured, and no plugin starts by itself\n" : text_table(rows);
  for (const auto& projection : report.projections) {
    for (const auto& problem : projection.problems) {
      text += fmt::format("{}: refused: {}\n", projection.name, problem);
    }
  }
  text += report.need.empty() ? "" : report.need + "\n";
  for (const auto& problem : report.problems) {
    text += "problem: " + problem + "\n";
  }
  for (const auto& note : report.notes) {
    text += "note: " + note + "\n";
  }
  if (report.databases) {
    for (const auto& fact : report.databases->facts) {
      text += fact + "\n";
    }
    for (const auto& problem : report.databases->problems) {
      text += "problem: " + problem + "\n";
    }
  } else {
    text += "the databases were not checked: \"check --connect\" checks there what a start would\n";
  }
  return text;
}

} // namespace projector::control
