#include "supervisor/supervisor.hpp"

#include "base/test_point.hpp"
#include "supervisor/capacity.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace projector::supervisor {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(250);

int milliseconds_until(base::TimePoint when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - base::Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60000));
}

/// Why a generation that makes another version of the read model is not started, or nothing.
std::string refuse_version(const Generation& generation, std::uint32_t stored) {
  const auto& projection = generation.wanted.projection;
  const std::string found = fmt::format("{} makes version {} of the read model, version {} is stored",
                                        generation.wanted.plugin->file.string(), generation.read_model_version, stored);
  if (generation.read_model_version == stored) {
    return {};
  }
  if (!generation.resettable) {
    return fmt::format(
        "{}, and the plugin has no reset to empty it with; give it another `checkpoint` and tables of its "
        "own",
        found);
  }
  if (projection.rebuild == config::Rebuild::Manual && generation.wanted.rebuild == 0) {
    return fmt::format("{}; to rebuild it from the first event run \"projectorctl rebuild {}\" or set rebuild = "
                       "\"automatic\"",
                       found, projection.name);
  }
  return {};
}

} // namespace

Supervisor::Supervisor(Options options, ConfigurationSource configuration, const projection::WorkerServices& services,
                       base::Wakeup& changed)
    : options_(std::move(options)), configuration_(std::move(configuration)), services_(services), changed_(changed),
      staging_(configuration_.get().plugins.cache) {}

Supervisor::~Supervisor() {
  stop_all();
}

void Supervisor::run(int stop_fd) {
  watch_directories();
  while (true) {
    sealed_turn();
    std::array<pollfd, 3> waits{{{stop_fd, POLLIN, 0}, {watch_.fd(), POLLIN, 0}, {changed_.fd(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), milliseconds_until(scan_at_));
    if (waits[0].revents != 0) {
      spdlog::info("stopping: the running batches are finished or rolled back");
      stop_all();
      return;
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
    if (told_.insert(error.what()).second) {
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
    const bool settled = !changed || configuration_.watch().settled(); // each looks at every file
    if (reload || (changed && settled)) {
      const std::lock_guard lock(mutex_);
      configuration_.reload();
    }
    scan();
    if (changed && !settled) {
      scan_at_ = std::min(scan_at_, base::Clock::now() + options_.settle);
    }
  }
}

void Supervisor::step() {
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = step_all();
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
  tell_shadowed(discovery);
  keep_unreadable(discovery);
  base::Duration next = keep_absent(discovery) ? options_.absent : options_.rescan;
  projection::Bookkeeper::RebuildRequests rebuilds;
  {
    const std::lock_guard lock(mutex_);
    rebuilds = rebuilds_;
  }
  // A projection that runs without a file of its own runs on when its first one is refused.
  std::set<std::string> refused;
  for (const auto& [name, reason] : configuration_.refused()) {
    const auto hosted = hosted_.find(name);
    if (hosted == hosted_.end() || !hosted->second.current().running) {
      refused.insert(name);
    }
  }
  auto desired = desired_projections(configuration_.get(), discovery, options_.selection, refused, rebuilds);
  const auto actions = reconcile(desired, current());
  for (const auto& action : actions) {
    carry_out_sealed(action, desired);
  }
  const bool look_again = std::any_of(hosted_.begin(), hosted_.end(),
                                      [](const auto& hosted) { return hosted.second.current().look_again; });
  {
    const std::lock_guard lock(mutex_);
    desired_ = std::move(desired);
  }
  if (!actions.empty()) {
    services_.bookkeeper.poke();
  }
  scan_at_ = base::Clock::now() + (look_again ? std::min<base::Duration>(kLookAgain, next) : next);
}

Current Supervisor::current() const {
  Current current;
  for (const auto& [name, hosted] : hosted_) {
    auto& now = current.emplace(name, hosted.current()).first->second;
    const auto again = again_.find(name);
    now.look_again = now.look_again || (again != again_.end() && base::Clock::now() >= again->second.at);
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
    hosted_.try_emplace(action.projection, action.projection, services_)
        .first->second.refuse(wanted->second, fmt::format("cannot be started: {}", error.what()), false);
    try_again(action.projection);
  }
}

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

void Supervisor::carry_out(const Action& action, const Desired& desired) {
  PROJECTOR_TEST_POINT("supervisor_action");
  const std::string& name = action.projection;
  if (const auto again = again_.find(name); again != again_.end()) {
    again->second.at = base::never();
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
    hosted_.try_emplace(name, name, services_)
        .first->second.missing(wanted, fmt::format("no plugin directory holds {}.so", wanted.projection.plugin));
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

Launch Supervisor::prepare(const DesiredProjection& wanted, const HostedProjection* hosted) {
  Launch launch;
  launch.refusal = refuse_partitions(wanted);
  if (!launch.refusal.empty()) {
    try_again(wanted.projection.name);
    return launch;
  }
  try {
    return prepare_launch(wanted, staging_.path(), configuration_.get().plugins.state,
                          generations_[wanted.projection.name] + 1,
                          hosted == nullptr ? std::set<std::string>() : hosted->known_files(wanted));
  } catch (const std::system_error& error) {
    launch.refusal = fmt::format("the plugin cannot be staged in {}: {}; free space or set plugins.cache",
                                 staging_.path().string(), error.what());
    try_again(wanted.projection.name);
    return launch;
  }
}

void Supervisor::start(const DesiredProjection& wanted) {
  const std::string& name = wanted.projection.name;
  const auto known = hosted_.find(name);
  Launch launch = prepare(wanted, known == hosted_.end() ? nullptr : &known->second);
  if (const auto stored = known == hosted_.end() ? std::nullopt : known->second.read_model_version();
      launch.generation && stored) {
    launch.refusal = refuse_version(*launch.generation, *stored);
  }
  const std::lock_guard lock(mutex_);
  HostedProjection& hosted = hosted_.try_emplace(name, name, services_).first->second;
  if (launch.known) {
    hosted.unchanged(wanted, *launch.known);
  } else if (!launch.refusal.empty()) {
    hosted.refuse(wanted, launch.refusal, launch.look_again);
  } else {
    ++generations_[name];
    for (auto& assignment : launch.generation->assignments) {
      assignment.asked_at = scan_began_;
    }
    hosted.run(std::move(*launch.generation));
    if (hosted.take_could_not_start()) {
      try_again(name);
    }
  }
  changed_.set();
}

void Supervisor::stop_all() {
  std::map<std::string, HostedProjection> ending;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, hosted] : hosted_) {
      if (hosted.running() != nullptr) {
        hosted.stop();
      }
    }
    ending.swap(hosted_);
  }
}

std::vector<projection::WorkerStatus> Supervisor::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<projection::WorkerStatus> all;
  for (const auto& [name, hosted] : hosted_) {
    for (auto& status : hosted.status()) {
      all.push_back(std::move(status));
    }
  }
  configuration_.remark(all);
  return all;
}

std::optional<std::vector<std::string>> Supervisor::checkpoints() const {
  const std::lock_guard lock(mutex_);
  if (!desired_) {
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const auto& [name, wanted] : *desired_) {
    const auto& projection = wanted.projection;
    for (std::uint32_t partition = 0; partition < projection.partitions; ++partition) {
      names.push_back(projection::CheckpointKey{projection.checkpoint, partition, projection.partitions}.name());
    }
  }
  return names;
}

} // namespace projector::supervisor
