#include "control/plugin_check.hpp"

#include "base/child_answer.hpp"
#include "base/clean_text.hpp"
#include "base/temporary_directory.hpp"
#include "plugin/module.hpp"
#include "plugin/settings.hpp"
#include "plugin/staging.hpp"

#include <nlohmann/json.hpp>

namespace projector::control {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLongestVersion = 100;

json to_json(const config::Problem& problem) {
  return {{"file", problem.where.file},
          {"line", problem.where.line},
          {"column", problem.where.column},
          {"text", problem.text}};
}

config::Problem problem_of(const json& value) {
  return {{value.at("file"), value.at("line"), value.at("column")}, value.at("text")};
}

json examine(const fs::path& file, const std::vector<config::Projection>& projections, const fs::path& directory) {
  auto staged = plugin::stage(file, directory);
  if (staged.refusal) {
    return {{"refusal", staged.refusal->reason}};
  }
  const auto loaded = plugin::Module::load(std::move(*staged.staged));
  if (loaded.refusal) {
    return {{"refusal", loaded.refusal->reason}};
  }
  const plugin::Facts& facts = loaded.module->facts();
  json settings = json::object();
  for (const auto& projection : projections) {
    const auto checked = plugin::check_settings(facts.settings, projection);
    for (const auto& problem : checked.problems) {
      settings[projection.name].push_back(to_json(problem));
    }
  }
  return {{"version", base::clean_text(facts.version, kLongestVersion)},
          {"read_model_version", facts.read_model_version},
          {"resettable", facts.has_reset},
          {"settings", settings}};
}

} // namespace

PluginCheck check_plugin(const fs::path& file, const std::vector<config::Projection>& projections,
                         base::Duration limit) {
  // Made by the parent, since a child that dies cannot remove it.
  const base::TemporaryDirectory directory("projectorctl");
  const auto question = [&] {
    json found;
    try {
      found = examine(file, projections, directory.path());
    } catch (const std::exception& error) {
      found = {{"refusal", file.string() + ": " + error.what()}};
    }
    return found.dump(-1, ' ', true, json::error_handler_t::replace);
  };
  const base::ChildAnswer answer = base::ask_in_child(question, limit);
  PluginCheck check;
  if (!answer.answered) {
    check.refusal = file.string() + " " + answer.text + " while it was loaded";
    return check;
  }
  const json found = json::parse(answer.text);
  check.refusal = found.value("refusal", "");
  check.version = found.value("version", "");
  check.read_model_version = found.value("read_model_version", 0u);
  check.resettable = found.value("resettable", false);
  const json settings = found.value("settings", json::object());
  for (const auto& [projection, problems] : settings.items()) {
    for (const auto& problem : problems) {
      check.settings[projection].push_back(problem_of(problem));
    }
  }
  return check;
}

} // namespace projector::control
