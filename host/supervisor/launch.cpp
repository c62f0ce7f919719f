#include "supervisor/launch.hpp"

#include "plugin/settings.hpp"
#include "plugin/staged_plugin.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace projector::supervisor {
namespace {

Launch refused(std::string reason, bool retry = false) {
  Launch launch;
  launch.refusal = std::move(reason);
  launch.retry = retry;
  return launch;
}

/// Makes the projection's own directory in the host's. Empty if that fails, since many plugins do not need it; one that
/// does sees that it has none.
std::string make_state_directory(const std::filesystem::path& state, const std::string& projection) {
  std::error_code error;
  std::filesystem::create_directories(state, error);
  const auto own = state / projection;
  if (::mkdir(own.c_str(), 0750) != 0 && errno != EEXIST) {
    return {};
  }
  return std::filesystem::is_directory(own, error) ? std::filesystem::absolute(own).string() : std::string();
}

} // namespace

Launch prepare_launch(const DesiredProjection& wanted, const LaunchDirectories& directories,
                      const plugin::RunnerHost& runner_host, std::uint64_t number, const std::set<std::string>& known) {
  auto file = plugin::stage(wanted.plugin->file, directories.staging);
  if (!file.staged) {
    return refused(file.refusal->reason, file.refusal->incomplete);
  }
  Launch launch;
  if (known.contains(file.staged->sha256)) {
    plugin::discard(*file.staged);
    launch.known = file.staged->sha256;
    return launch;
  }
  const auto staged = plugin::StagedPlugin::of(std::move(*file.staged), runner_host);
  launch.unprotected = staged.unprotected;
  if (!staged.plugin) {
    launch.refusal = staged.refusal->reason;
    return launch;
  }
  auto settings = plugin::check_settings(staged.plugin->facts().settings, wanted.projection);
  if (!settings.problems.empty()) {
    launch.refusal = config::to_string(settings.problems);
    return launch;
  }
  projection::WorkerAssignment assignment;
  assignment.projection = wanted.projection;
  assignment.plugin = staged.plugin;
  assignment.settings = std::move(settings.settings);
  assignment.state_directory = make_state_directory(directories.state, wanted.projection.name);
  assignment.generation = number;
  assignment.rebuild = wanted.rebuild.has_value();
  Generation generation;
  generation.number = number;
  generation.wanted = wanted;
  generation.sha256 = staged.plugin->file().sha256;
  generation.facts = staged.plugin->facts();
  for (const auto partition : wanted.partitions) {
    assignment.partition = partition;
    assignment.leads = generation.assignments.empty();
    generation.assignments.push_back(assignment);
  }
  launch.generation = std::move(generation);
  return launch;
}

} // namespace projector::supervisor
