#include "plugin/runner_watch.hpp"

#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace projector::plugin {
namespace {

// A tag is an id, which is never used again, times four plus what it is of the process: a Source, or its end. So an
// event that comes late, for what is gone, belongs to nobody.
constexpr std::uint64_t kParts = 4;
constexpr std::uint64_t kEnd = 3;
constexpr std::uint64_t kWakeupTag = 0; // ids begin at 1

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void kill_and_reap(RunnerProcess& process) noexcept {
  process.kill();
  while (::waitpid(process.pid(), nullptr, 0) < 0 && errno == EINTR) {
  }
}

} // namespace

struct RunnerWatch::Watched {
  explicit Watched(std::uint64_t its_id)
      : id(its_id), output([this](int level, std::string_view text) { process->line(level, text); }) {}
  const std::uint64_t id;
  std::shared_ptr<RunnerProcess> process;
  RunnerOutput output;
};

RunnerWatch::RunnerWatch(base::Wakeup& wakeup) : wakeup_(wakeup), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) {
    fail("epoll_create1");
  }
  watch(wakeup_.fd(), kWakeupTag);
}

RunnerWatch::~RunnerWatch() = default;

std::shared_ptr<RunnerProcess> RunnerWatch::start(Start& start) {
  auto made = std::make_unique<Watched>(++last_id_);
  Watched& watched = *made;
  Command command{start.program, {start.title}, std::move(start.environment)};
  command.words.insert(command.words.end(), start.arguments.begin(), start.arguments.end());
  std::vector<int> descriptors = watched.output.runner_ends();
  descriptors.insert(descriptors.end(), start.descriptors.begin(), start.descriptors.end());
  const auto place = watched_.emplace(watched.id, std::move(made)).first;
  try {
    watch_output(watched);
    watched.process = std::make_shared<RunnerProcess>(
        spawn(command, descriptors), RunnerCallbacks{std::move(start.on_line), std::move(start.on_exit)});
    watch(watched.process->pidfd(), watched.id * kParts + kEnd);
  } catch (...) {
    unwatch_output(watched);
    if (watched.process) {
      kill_and_reap(*watched.process);
    }
    watched_.erase(place);
    throw;
  }
  watched.output.close_runner_ends();
  return watched.process;
}

void RunnerWatch::look(base::Duration limit) noexcept {
  std::array<epoll_event, 64> events; // not initialised: epoll_wait says how many are
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms(limit));
  const auto now = base::Clock::now();
  for (int i = 0; i < count; ++i) {
    try {
      happened(events[static_cast<std::size_t>(i)].data.u64, now);
    } catch (...) { // out of memory: what is left is looked at again
    }
  }
  try {
    report_dropped(now);
  } catch (...) { // likewise
  }
}

void RunnerWatch::end(base::Duration limit) noexcept {
  for (const auto& [id, watched] : watched_) {
    watched->process->kill();
  }
  const auto deadline = base::Clock::now() + limit;
  while (!watched_.empty() && base::Clock::now() < deadline) {
    look(std::chrono::duration_cast<base::Duration>(deadline - base::Clock::now()));
  }
  for (const auto& [id, watched] : watched_) {
    watched->process->give_up();
  }
}

void RunnerWatch::watch(int fd, std::uint64_t tag) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    fail("cannot watch a runner (epoll_ctl)");
  }
}

/// Before the descriptor is closed: another process may hold a copy of it for a while, and would keep the watch alive.
void RunnerWatch::unwatch(int fd) noexcept {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void RunnerWatch::watch_output(const Watched& watched) {
  for (const auto source : RunnerOutput::kSources) {
    watch(watched.output.fd(source), watched.id * kParts + static_cast<std::uint64_t>(source));
  }
}

void RunnerWatch::unwatch_output(const Watched& watched) noexcept {
  for (const auto source : RunnerOutput::kSources) {
    if (watched.output.fd(source) >= 0) {
      unwatch(watched.output.fd(source));
    }
  }
}

void RunnerWatch::happened(std::uint64_t tag, base::TimePoint now) {
  if (tag == kWakeupTag) {
    wakeup_.take();
    return;
  }
  const auto found = watched_.find(tag / kParts);
  if (found == watched_.end()) {
    return;
  }
  if (tag % kParts == kEnd) {
    ended(*found->second, now);
  } else {
    read(*found->second, static_cast<RunnerOutput::Source>(tag % kParts), now);
  }
}

void RunnerWatch::read(Watched& watched, RunnerOutput::Source source, base::TimePoint now) {
  if (watched.output.fd(source) < 0) {
    return;
  }
  if (!watched.output.read(source, now)) {
    unwatch(watched.output.fd(source));
    watched.output.close(source);
  }
  if (const auto at = watched.output.report_at()) {
    reports_.emplace(*at, watched.id);
  }
}

void RunnerWatch::ended(Watched& watched, base::TimePoint now) {
  const auto exit = watched.process->reap();
  if (!exit) {
    return;
  }
  unwatch(watched.process->pidfd());
  unwatch_output(watched);
  try {
    watched.output.finish(now);
  } catch (...) { // its last lines are lost, its end is not
  }
  watched.process->finish(*exit);
  const std::uint64_t id = watched.id;
  watched_.erase(id);
}

void RunnerWatch::report_dropped(base::TimePoint now) {
  while (!reports_.empty() && reports_.begin()->first <= now) {
    const auto id = reports_.begin()->second;
    reports_.erase(reports_.begin());
    if (const auto found = watched_.find(id); found != watched_.end()) {
      found->second->output.report_dropped();
    }
  }
}

int RunnerWatch::wait_ms(base::Duration limit) const {
  base::Duration wait = limit;
  if (!reports_.empty()) {
    wait = std::min(wait, std::chrono::duration_cast<base::Duration>(reports_.begin()->first - base::Clock::now()));
  }
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, base::Duration(0))).count());
}

} // namespace projector::plugin
