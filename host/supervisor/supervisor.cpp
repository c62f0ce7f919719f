#include "supervisor/supervisor.hpp"

#include "config/difference.hpp"
#include "supervisor/launch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace projector::supervisor {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(250);

std::set<std::string> refused_projections(const config::Loaded& loaded) {
  std::set<std::string> names;
  for (const auto& file : loaded.refused) {
    names.insert(file.projections.begin(), file.projections.end());
  }
  return names;
}

std::string refused_reason(const config::RefusedFile& file) {
  std::string text;
  for (const auto& problem : file.problems) {
    text += (text.empty() ? "" : "; ") + config::to_string(problem);
  }
  return text;
}

int milliseconds_until(base::TimePoint when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - base::Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60000));
}

} // namespace

Supervisor::Supervisor(Options options, config::Loaded loaded, const projection::WorkerServices& services)
    : options_(std::move(options)), loaded_(std::move(loaded)), services_(services),
      staging_(loaded_.configuration->plugins.cache), poked_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!poked_) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

Supervisor::~Supervisor() {
  stop_all();
}

void Supervisor::run(int stop_fd) {
  watch_directories();
  while (true) {
    turn();
    std::array<pollfd, 3> waits{{{stop_fd, POLLIN, 0}, {watch_.fd(), POLLIN, 0}, {poked_.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), milliseconds_until(next_turn()));
    if (waits[0].revents != 0) {
      spdlog::info("stopping: the running batches are finished or rolled back");
      stop_all();
      return;
    }
    if (waits[1].revents != 0 && watch_.drain()) {
      settle_reports();
    }
    if (waits[2].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto taken = ::read(poked_.get(), &count, sizeof count);
    }
  }
}

/// Each report moves the look further away, up to a limit, so that a file that is being written is looked at once,
/// whole.
void Supervisor::settle_reports() {
  const auto now = base::Clock::now();
  first_report_ = first_report_.value_or(now);
  scan_at_ = std::min(now + options_.settle, *first_report_ + options_.settle_most);
}

base::TimePoint Supervisor::next_turn() const {
  constexpr auto kReap = std::chrono::milliseconds(20);
  const bool stopping =
      std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return entry.second.stopping; });
  return reload_ ? base::Clock::now() : stopping ? std::min(scan_at_, base::Clock::now() + kReap) : scan_at_;
}

void Supervisor::reload() noexcept {
  reload_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(poked_.get(), &one, sizeof one);
}

void Supervisor::turn() {
  reap();
  const bool reload = reload_.exchange(false);
  if (base::Clock::now() < scan_at_ && !reload) {
    return;
  }
  if (reload) {
    load_configuration();
  }
  first_report_.reset();
  watch_directories();
  auto discovery = discover(loaded_.configuration->plugins);
  keep_unreadable(discovery);
  auto desired =
      desired_projections(*loaded_.configuration, discovery, options_.selection, refused_projections(loaded_));
  const auto actions = reconcile(desired, current());
  for (const auto& action : actions) {
    carry_out(action, desired);
  }
  const bool look_again =
      std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return entry.second.look_again; });
  {
    const std::lock_guard lock(mutex_);
    desired_ = std::move(desired);
  }
  if (!actions.empty()) {
    services_.bookkeeper.poke();
  }
  scan_at_ =
      base::Clock::now() + (look_again ? std::min<base::Duration>(kLookAgain, options_.rescan) : options_.rescan);
}

void Supervisor::keep_unreadable(Discovery& discovery) {
  for (const auto& directory : discovery.unreadable) {
    if (told_.insert(directory).second) {
      spdlog::warn("plugin directory {}; what runs from it runs on", directory);
    }
    for (const auto& [name, entry] : entries_) {
      const auto& plugin = entry.wanted.plugin;
      if (plugin && !entry.workers.empty() && directory.starts_with(plugin->file.parent_path().string() + ": ")) {
        discovery.plugins.try_emplace(plugin->name, *plugin);
      }
    }
  }
}

void Supervisor::load_configuration() {
  auto loaded = config::load(options_.configuration_file, options_.overrides);
  if (!loaded.main_problems.empty()) {
    for (const auto& problem : loaded.main_problems) {
      spdlog::error("{}", config::to_string(problem));
    }
    spdlog::error("the configuration is refused as a whole, what ran before runs on");
    return;
  }
  for (const auto& file : loaded.refused) {
    spdlog::error("refused: {}", refused_reason(file));
  }
  const auto changed = config::difference(*loaded_.configuration, *loaded.configuration);
  for (const auto& key : changed.restart) {
    spdlog::warn("{} has changed: it takes effect when the host is started again", key);
  }
  loaded.configuration->worker = loaded_.configuration->worker;
  loaded.configuration->plugins.state = loaded_.configuration->plugins.state;
  const std::lock_guard lock(mutex_);
  loaded_ = std::move(loaded);
}

void Supervisor::watch_directories() {
  const auto& directories = loaded_.configuration->plugins.directories;
  watch_.watch({directories.begin(), directories.end()});
}

Current Supervisor::current() const {
  Current current;
  for (const auto& [name, entry] : entries_) {
    current[name] = {
        entry.wanted.projection, entry.wanted.plugin ? std::optional(entry.wanted.plugin->signature) : std::nullopt,
        !entry.workers.empty() || (entry.shown == projection::State::Live), entry.look_again, entry.stopping};
  }
  return current;
}

void Supervisor::carry_out(const Action& action, const Desired& desired) {
  switch (action.kind) {
  case Action::Kind::Start:
    start(desired.at(action.projection));
    return;
  case Action::Kind::Stop: {
    Entry& entry = entries_.at(action.projection);
    spdlog::info("{}: stopping", action.projection);
    entry.stopping = true;
    for (const auto& worker : entry.workers) {
      worker->request_stop();
    }
    return;
  }
  case Action::Kind::Missing: {
    const DesiredProjection& wanted = desired.at(action.projection);
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[action.projection];
    entry.wanted = wanted;
    entry.shown = projection::State::Missing;
    entry.reason = fmt::format("no plugin directory holds {}.so", wanted.projection.plugin);
    entry.look_again = false;
    spdlog::info("{}: missing: {}", action.projection, entry.reason);
    return;
  }
  case Action::Kind::Forget: {
    const std::lock_guard lock(mutex_);
    entries_.erase(action.projection);
    return;
  }
  }
}

void Supervisor::start(const DesiredProjection& wanted) {
  const std::string& name = wanted.projection.name;
  const auto before = entries_.find(name);
  const std::uint64_t generation = before == entries_.end() ? 1 : before->second.generation + 1;
  Launch launch;
  try {
    launch = prepare_launch(wanted, staging_.path(), loaded_.configuration->plugins.state, generation);
  } catch (const std::system_error& error) {
    launch.refusal = fmt::format("the plugin cannot be staged in {}: {}; free space or set plugins.cache",
                                 staging_.path().string(), error.what());
    launch.look_again = true;
  }
  Entry entry;
  entry.wanted = wanted;
  entry.generation = generation;
  entry.look_again = launch.look_again;
  if (!launch.refusal.empty()) {
    entry.shown = projection::State::Refused;
    entry.reason = launch.refusal;
    if (before == entries_.end() || before->second.reason != launch.refusal) {
      spdlog::error("{}: refused: {}", name, launch.refusal);
    }
  } else {
    spdlog::info("{}: starting {} with {} of {} partitions", name, wanted.plugin->file.string(),
                 launch.assignments.size(), wanted.projection.partitions);
    entry.shown = projection::State::Live;
    for (auto& assignment : launch.assignments) {
      entry.workers.push_back(std::make_unique<projection::Worker>(std::move(assignment), services_));
    }
  }
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(name, std::move(entry));
}

void Supervisor::reap() {
  std::vector<std::unique_ptr<projection::Worker>> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      auto& workers = entry->second.workers;
      const auto running = std::partition(workers.begin(), workers.end(), [](const auto& worker) {
        return worker->status().state != projection::State::Stopped;
      });
      if (!entry->second.stopping || running != workers.begin()) {
        ++entry;
        continue;
      }
      std::move(workers.begin(), workers.end(), std::back_inserter(ended));
      entry = entries_.erase(entry);
      scan_at_ = base::Clock::now();
    }
  }
  ended.clear();
}

void Supervisor::stop_all() {
  for (const auto& [name, entry] : entries_) {
    for (const auto& worker : entry.workers) {
      worker->request_stop();
    }
  }
  std::map<std::string, Entry> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.swap(entries_);
  }
}

std::vector<projection::WorkerStatus> Supervisor::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<projection::WorkerStatus> all;
  for (const auto& [name, entry] : entries_) {
    for (const auto& worker : entry.workers) {
      all.push_back(worker->status());
    }
    if (entry.workers.empty() && entry.shown != projection::State::Live) {
      projection::WorkerStatus status;
      status.projection = name;
      status.checkpoint = entry.wanted.projection.checkpoint;
      status.partitions = entry.wanted.projection.partitions;
      status.state = entry.shown;
      status.reason = entry.reason;
      status.plugin = entry.wanted.projection.plugin;
      all.push_back(std::move(status));
    }
  }
  std::set<std::string> refused;
  for (const auto& file : loaded_.refused) {
    for (const auto& name : file.projections) {
      if (entries_.contains(name) || !refused.insert(name).second) {
        continue;
      }
      projection::WorkerStatus status;
      status.projection = status.checkpoint = name;
      status.state = projection::State::Refused;
      status.reason = refused_reason(file);
      all.push_back(std::move(status));
    }
  }
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
