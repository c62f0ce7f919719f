#include "supervisor/launch.hpp"

#include "plugin/module.hpp"
#include "plugin/settings.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

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

Launch prepare_launch(const DesiredProjection& wanted, const std::filesystem::path& staging,
                      const std::filesystem::path& state, std::uint64_t number, const std::set<std::string>& known) {
  const auto staged = plugin::stage(wanted.plugin->file, staging);
  if (!staged.staged) {
    return refused(staged.refusal->reason, staged.refusal->incomplete);
  }
  if (known.contains(staged.staged->sha256)) {
    plugin::discard(*staged.staged);
    Launch launch;
    launch.known = staged.staged->sha256;
    return launch;
  }
  // All copies are made before the first one is loaded, since loading takes the copy's ownership.
  std::vector<plugin::StagedFile> copies{*staged.staged};
  try {
    while (copies.size() < wanted.partitions.size()) {
      copies.push_back(plugin::stage_again(*staged.staged));
    }
  } catch (...) {
    std::for_each(copies.begin(), copies.end(), plugin::discard);
    throw;
  }
  Generation generation;
  generation.number = number;
  generation.wanted = wanted;
  generation.sha256 = staged.staged->sha256;
  const std::string state_directory = make_state_directory(state, wanted.projection.name);
  for (std::size_t index = 0; index < copies.size(); ++index) {
    auto loaded = plugin::Module::load(copies[index]);
    plugin::CheckedSettings settings;
    if (loaded.module) {
      settings = plugin::check_settings(loaded.module->facts().settings, wanted.projection);
    }
    if (!loaded.module || !settings.problems.empty()) {
      std::for_each(copies.begin() + static_cast<std::ptrdiff_t>(index) + 1, copies.end(), plugin::discard);
      return loaded.module ? refused(config::to_string(settings.problems))
                           : refused(loaded.refusal->reason, loaded.refusal->incomplete);
    }
    generation.facts = loaded.module->facts();
    if (index < wanted.partitions.size()) {
      projection::WorkerAssignment assignment;
      assignment.projection = wanted.projection;
      assignment.partition = wanted.partitions[index];
      assignment.module = loaded.module;
      assignment.settings = settings.settings;
      assignment.state_directory = state_directory;
      assignment.generation = number;
      assignment.leads = index == 0;
      assignment.rebuild = wanted.rebuild.has_value();
      generation.assignments.push_back(std::move(assignment));
    }
  }
  Launch launch;
  launch.generation = std::move(generation);
  return launch;
}

} // namespace projector::supervisor
