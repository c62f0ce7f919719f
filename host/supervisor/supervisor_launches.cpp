#include "projection/checkpoint_conflict.hpp"
#include "projection/checkpoint_refusal.hpp"
#include "supervisor/capacity.hpp"
#include "supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace projector::supervisor {
namespace {

/// Why a generation that makes another version of the read model is not started; empty if it may be.
std::string refuse_version(const Generation& generation, std::uint32_t stored) {
  const auto& projection = generation.wanted.projection;
  const std::string found =
      fmt::format("{} makes version {} of the read model, version {} is stored",
                  generation.wanted.plugin->file.string(), generation.facts.read_model_version, stored);
  if (generation.facts.read_model_version == stored) {
    return {};
  }
  if (!generation.facts.has_reset) {
    return fmt::format(
        "{}, and the plugin has no reset to empty it with; give it another `checkpoint` and tables of its "
        "own",
        found);
  }
  if (generation.facts.read_model_version < stored && !generation.wanted.rebuild) {
    return fmt::format("{}; to go back run \"projectorctl rebuild {}\"", found, projection.name);
  }
  if (projection.rebuild == config::Rebuild::Manual && !generation.wanted.rebuild) {
    return fmt::format("{}; {}", found, projection::rebuild_cure(projection.name));
  }
  return {};
}

} // namespace

void Supervisor::try_again(const std::string& projection) {
  constexpr base::Duration kLongestPause = std::chrono::minutes(1);
  const auto before = again_.find(projection);
  const auto pause = before == again_.end() ? options_.rescan : std::min(2 * before->second.pause, kLongestPause);
  again_.insert_or_assign(projection, Again{base::Clock::now() + pause, pause});
}

std::string Supervisor::refuse_partitions(const DesiredProjection& wanted) const {
  std::uint64_t running = 0;
  std::uint64_t freed = 0;
  for (const auto& [name, hosted] : hosted_) {
    const auto partitions = hosted.running() == nullptr ? 0 : hosted.running()->assignments.size();
    running += partitions;
    freed = name == wanted.projection.name ? partitions : freed;
  }
  return supervisor::refuse_partitions(configuration_.get(), wanted.partitions.size(), running, freed);
}

HostedProjection& Supervisor::hosted(const std::string& name) {
  return hosted_.try_emplace(name, name, services_, plugins_).first->second;
}

void Supervisor::start(const DesiredProjection& wanted) {
  const std::string& name = wanted.projection.name;
  const auto refusal = refuse_partitions(wanted);
  const std::lock_guard lock(mutex_);
  if (!refusal.empty()) {
    hosted(name).refuse(wanted, refusal, false);
    try_again(name);
    return;
  }
  const auto known = hosted_.find(name);
  const auto ticket = plugins_.prepare(
      name, [wanted, directories = LaunchDirectories{staging_.path(), configuration_.get().plugins.state},
             number = generations_[name] + 1,
             files = known == hosted_.end() ? std::set<std::string>() : known->second.known_files(wanted)](
                const plugin::RunnerHost& runner_host) {
        return prepare_launch(wanted, directories, runner_host, number, files);
      });
  preparing_.insert_or_assign(name, Preparing{wanted, scan_began_, ticket});
}

bool Supervisor::take_prepared() {
  bool any = false;
  for (auto& prepared : plugins_.take()) {
    const std::lock_guard lock(mutex_);
    const auto found = preparing_.find(prepared.projection);
    if (found != preparing_.end() && found->second.ticket == prepared.ticket) {
      const Preparing request = std::move(found->second);
      preparing_.erase(found);
      any = true;
      try {
        go_on(prepared, request);
      } catch (const std::exception& error) {
        hosted(prepared.projection).refuse(request.wanted, fmt::format("cannot be started: {}", error.what()), false);
        try_again(prepared.projection);
      }
    }
    if (prepared.launch.generation) {
      std::vector<Generation> unused;
      unused.push_back(std::move(*prepared.launch.generation));
      plugins_.close(prepared.projection, std::move(unused));
    }
  }
  return any;
}

void Supervisor::go_on(PluginThread::Prepared& prepared, const Preparing& request) {
  const auto& [wanted, requested_at, ticket] = request;
  const std::string& name = prepared.projection;
  Launch& launch = prepared.launch;
  if (!launch.unprotected.empty() && reported_.insert(launch.unprotected).second) {
    spdlog::warn("plugins are not limited in all that they do: {}", launch.unprotected);
  }
  HostedProjection& running = hosted(name);
  if (const auto stored = running.read_model_version(); launch.generation && stored) {
    launch.refusal = refuse_version(*launch.generation, *stored);
  }
  if (launch.generation && launch.refusal.empty() && launch.generation->facts.shares_tables() &&
      !wanted.behind.empty()) {
    launch.refusal = projection::refuse_second_projection(name, wanted.behind, wanted.projection.plugin);
  }
  // Checked again, since other projections may have started meanwhile.
  if (const auto refusal = refuse_partitions(wanted); launch.generation && launch.refusal.empty() && !refusal.empty()) {
    launch.refusal = refusal;
    prepared.again = true;
  }
  if (launch.known) {
    running.unchanged(wanted, *launch.known);
  } else if (!launch.refusal.empty()) {
    running.refuse(wanted, launch.refusal, launch.retry);
  } else {
    ++generations_[name];
    owners_.started(wanted.projection);
    Generation generation = std::move(*launch.generation);
    launch.generation.reset();
    for (auto& assignment : generation.assignments) {
      assignment.requested_at = requested_at;
    }
    running.run(std::move(generation));
  }
  if (prepared.again || running.take_could_not_start()) {
    try_again(name);
  }
  if (launch.retry) {
    scan_at_ = std::min(scan_at_, base::Clock::now() + kRetryHalfWritten);
  }
}

} // namespace projector::supervisor
