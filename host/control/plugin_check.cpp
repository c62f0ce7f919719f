#include "control/plugin_check.hpp"

#include "base/clean_text.hpp"
#include "base/temporary_directory.hpp"
#include "plugin/settings.hpp"

namespace projector::control {
namespace {

constexpr std::size_t kLongestVersion = 100;

} // namespace

PluginCheck check_plugin(const std::filesystem::path& file, const std::vector<config::Projection>& projections,
                         base::Duration limit) {
  const base::TemporaryDirectory directory("projectorctl");
  const auto staged = plugin::StagedPlugin::stage(file, directory.path(), plugin::RunnerHost{}, limit);
  PluginCheck check;
  if (!staged.plugin) {
    check.refusal = staged.refusal->reason;
    return check;
  }
  const plugin::Facts& facts = staged.plugin->facts();
  check.version = base::clean_text(facts.version, kLongestVersion);
  check.read_model_version = facts.read_model_version;
  check.resettable = facts.has_reset;
  for (const auto& projection : projections) {
    auto checked = plugin::check_settings(facts.settings, projection);
    if (!checked.problems.empty()) {
      check.settings.emplace(projection.name, std::move(checked.problems));
    }
  }
  return check;
}

} // namespace projector::control
