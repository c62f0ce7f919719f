#include "plugin/staged_plugin.hpp"

#include "plugin/runner_instance.hpp"

#include <utility>

namespace projector::plugin {

StagedPlugin::~StagedPlugin() {
  discard(file_);
}

StagedPlugin::Result StagedPlugin::stage(const std::filesystem::path& source,
                                         const std::filesystem::path& staging_directory, const RunnerHost& host,
                                         base::Duration limit) {
  auto staged = plugin::stage(source, staging_directory);
  if (staged.refusal) {
    return {nullptr, std::move(staged.refusal), {}};
  }
  return of(std::move(*staged.staged), host, limit);
}

StagedPlugin::Result StagedPlugin::of(StagedFile file, const RunnerHost& host, base::Duration limit) {
  const std::shared_ptr<StagedPlugin> plugin(new StagedPlugin(std::move(file)));
  if (auto known = host.known_facts->find(plugin->file_.sha256); known && known->name == plugin->file_.name) {
    plugin->facts_ = std::move(*known);
    return {plugin, std::nullopt, {}};
  }
  RunnerOptions options;
  options.file = plugin->file_;
  options.name = plugin->file_.name;
  options.call_timeout = limit;
  auto described = RunnerInstance(host, std::move(options)).describe();
  if (!described.facts) {
    return {nullptr, Refusal{false, std::move(described.refusal)}, std::move(described.unprotected)};
  }
  plugin->facts_ = std::move(*described.facts);
  host.known_facts->add(plugin->file_.sha256, plugin->facts_);
  return {plugin, std::nullopt, std::move(described.unprotected)};
}

} // namespace projector::plugin
