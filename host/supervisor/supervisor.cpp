#include "supervisor/supervisor.hpp"

#include "base/test_point.hpp"
#include "supervisor/configuration_findings.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace projector::supervisor {
namespace {

int milliseconds_until(base::TimePoint when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - base::Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60000));
}

plugin::StagingDirectory open_staging(const std::filesystem::path& cache) {
  try {
    return plugin::StagingDirectory(cache);
  } catch (const std::system_error& error) {
    throw std::runtime_error(fmt::format("plugins.cache: {}; let {} be a directory that uid {} and nobody else can "
                                         "write to, or set plugins.cache to another",
                                         error.what(), cache.string(), ::geteuid()));
  }
}

} // namespace

Supervisor::Supervisor(Options options, ConfigurationSource configuration, const projection::WorkerServices& services,
                       base::Wakeup& changed)
    : options_(std::move(options)), configuration_(std::move(configuration)), services_(services), changed_(changed),
      staging_(open_staging(configuration_.get().plugins.cache)),
      plugins_({services.runner_host.runners, services.runner_host.program, services.runner_host.known_facts},
               [&changed] { changed.set(); }),
      named_(options_.projections), owners_(options_.projections) {}

Supervisor::~Supervisor() {
  stop_all();
}

Supervisor::Ended Supervisor::run(int stop_fd) {
  watch_directories();
  while (true) {
    sealed_turn();
    std::array<pollfd, 3> waits{{{stop_fd, POLLIN, 0}, {watch_.fd(), POLLIN, 0}, {changed_.fd(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), milliseconds_until(scan_at_));
    if (waits[0].revents != 0) {
      spdlog::info("stopping: the running batches are finished or rolled back");
      return stop_all();
    }
    if (waits[1].revents != 0 && watch_.drain()) {
      settle_reports();
    }
    if (waits[2].revents != 0) {
      changed_.take();
    }
  }
}

void Supervisor::reload() noexcept {
  reload_ = true;
  changed_.set();
}

void Supervisor::request(const projection::Bookkeeper::RebuildRequests& rebuilds) {
  const std::lock_guard lock(mutex_);
  if (rebuilds_ != rebuilds) {
    rebuilds_ = rebuilds;
    look_ = true;
    changed_.set();
  }
}

void Supervisor::sealed_turn() {
  try {
    turn();
  } catch (const std::exception& error) {
    if (reported_.insert(error.what()).second) {
      spdlog::error("looking at files and projections failed, and is tried again every {} s: {}",
                    std::chrono::duration_cast<std::chrono::seconds>(options_.rescan).count(), error.what());
    }
    scan_at_ = base::Clock::now() + options_.rescan;
  }
}

void Supervisor::turn() {
  step();
  const bool reload = reload_.exchange(false);
  if (look_.exchange(false) || reload || base::Clock::now() >= scan_at_) {
    const bool changed = configuration_.watch().changed();
    const bool settled = !changed || configuration_.watch().settled(); // each call reads the status of every file
    if (reload || (changed && settled)) {
      reload_configuration();
    }
    scan();
    if (changed && !settled) {
      scan_at_ = std::min(scan_at_, base::Clock::now() + options_.settle);
    }
  }
}

void Supervisor::reload_configuration() {
  // Files are read without the mutex, so that a file system that hangs does not delay heartbeats.
  if (auto loaded = configuration_.read_again()) {
    const std::lock_guard lock(mutex_);
    configuration_.take(std::move(*loaded));
  }
}

void Supervisor::step() {
  bool changed = take_prepared();
  {
    const std::lock_guard lock(mutex_);
    changed = step_all() || changed;
  }
  if (changed) {
    services_.bookkeeper.poke();
  }
}

bool Supervisor::step_all() {
  bool changed = false;
  for (auto hosted = hosted_.begin(); hosted != hosted_.end();) {
    changed = hosted->second.step() || changed;
    if (hosted->second.take_could_not_start()) {
      try_again(hosted->first);
    }
    if (hosted->second.ended()) {
      hosted = hosted_.erase(hosted);
      scan_at_ = base::Clock::now();
    } else {
      ++hosted;
    }
  }
  return changed;
}

void Supervisor::scan() {
  scan_began_ = std::exchange(scanned_, true) ? base::Clock::now() : base::TimePoint();
  first_report_.reset();
  watch_directories();
  auto discovery = discover(configuration_.get().plugins);
  report_shadowed(discovery);
  report_findings(discovery);
  auto picked_in_vain = selection_findings(configuration_.loaded(), options_.selection, discovery);
  keep_unreadable(discovery);
  base::Duration next = keep_absent(discovery) ? options_.absent : options_.rescan;
  projection::Bookkeeper::RebuildRequests rebuilds;
  {
    const std::lock_guard lock(mutex_);
    rebuilds = rebuilds_;
  }
  const auto refused = remember_names(discovery);
  auto desired = desired_projections(configuration_.get(), discovery, options_.selection, refused, rebuilds,
                                     stored_partitions(), named_, owners_);
  report_idle_workers(desired);
  const auto actions = reconcile(desired, current());
  for (const auto& action : actions) {
    carry_out_sealed(action, desired);
  }
  const bool retry_soon =
      std::any_of(hosted_.begin(), hosted_.end(), [](const auto& hosted) { return hosted.second.current().retry; });
  {
    const std::lock_guard lock(mutex_);
    desired_ = std::move(desired);
    picked_in_vain_ = std::move(picked_in_vain);
  }
  if (!actions.empty()) {
    services_.bookkeeper.poke();
  }
  scan_at_ = base::Clock::now() + (retry_soon ? std::min(kRetryHalfWritten, next) : next);
}

Current Supervisor::current() const {
  Current current;
  for (const auto& [name, hosted] : hosted_) {
    auto& now = current.emplace(name, hosted.current()).first->second;
    const auto again = again_.find(name);
    now.retry = now.retry || (again != again_.end() && base::Clock::now() >= again->second.at);
  }
  for (const auto& [name, preparing] : preparing_) {
    auto& now = current[name];
    now.requested = preparing.wanted;
    now.retry = false;
  }
  return current;
}

void Supervisor::carry_out_sealed(const Action& action, const Desired& desired) {
  try {
    carry_out(action, desired);
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    const auto wanted = desired.find(action.projection);
    if (wanted == desired.end()) {
      spdlog::error("{}: {}", action.projection, error.what());
      return;
    }
    hosted(action.projection).refuse(wanted->second, fmt::format("cannot be started: {}", error.what()), false);
    try_again(action.projection);
  }
}

void Supervisor::carry_out(const Action& action, const Desired& desired) {
  PROJECTOR_TEST_POINT("supervisor_action");
  const std::string& name = action.projection;
  if (const auto again = again_.find(name); again != again_.end()) {
    again->second.at = base::never();
  }
  {
    const std::lock_guard lock(mutex_);
    preparing_.erase(name);
  }
  switch (action.kind) {
  case Action::Kind::Start:
  case Action::Kind::Replace:
    start(desired.at(name));
    return;
  case Action::Kind::Stop: {
    const std::lock_guard lock(mutex_);
    hosted_.at(name).stop();
    changed_.set();
    return;
  }
  case Action::Kind::Missing: {
    const DesiredProjection& wanted = desired.at(name);
    const std::lock_guard lock(mutex_);
    hosted(name).missing(wanted, fmt::format("no plugin directory holds {}.so", wanted.projection.plugin));
    return;
  }
  case Action::Kind::Forget: {
    const std::lock_guard lock(mutex_);
    hosted_.erase(name);
    again_.erase(name);
    return;
  }
  }
}

Supervisor::Ended Supervisor::stop_all() {
  Ended ended{.began = base::Clock::now()};
  std::map<std::string, HostedProjection> ending;
  {
    const std::lock_guard lock(mutex_);
    preparing_.clear();
    for (auto& [name, hosted] : hosted_) {
      if (hosted.running() != nullptr) {
        ++ended.projections;
        ended.partitions += hosted.running()->assignments.size();
        hosted.stop();
      }
    }
    ending.swap(hosted_);
  }
  return ended;
}

} // namespace projector::supervisor
