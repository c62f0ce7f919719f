#include "plugin/runner_process.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace projector::plugin {
namespace {

base::Duration as_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

Exit as_exit(int status, const rusage& used) {
  Exit exit;
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
    exit.core_dumped = WCOREDUMP(status);
  } else {
    exit.code = WEXITSTATUS(status);
  }
  exit.cpu = as_duration(used.ru_utime) + as_duration(used.ru_stime);
  return exit;
}

} // namespace

RunnerProcess::RunnerProcess(Spawned spawned, RunnerCallbacks callbacks)
    : spawned_(std::move(spawned)), callbacks_(std::move(callbacks)) {}

void RunnerProcess::kill() noexcept {
  ::syscall(SYS_pidfd_send_signal, pidfd(), SIGKILL, nullptr, 0);
}

std::optional<Exit> RunnerProcess::exit() const {
  const std::lock_guard lock(mutex_);
  return exit_;
}

std::optional<Usage> RunnerProcess::usage() const {
  const auto usage = read_usage(pid());
  return reaping_ ? std::nullopt : usage;
}

void RunnerProcess::release(base::Duration limit) noexcept {
  kill();
  if (std::this_thread::get_id() == thread_) {
    released_ = true;
    return;
  }
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return finished_; });
  }
  const std::lock_guard lock(calling_);
  released_ = true;
}

void RunnerProcess::line(int level, std::string_view text) noexcept {
  const std::lock_guard lock(calling_);
  if (released_ || !callbacks_.on_line) {
    return;
  }
  try {
    callbacks_.on_line(level, text);
  } catch (...) { // the line is lost, the other runners' are not
  }
}

std::optional<Exit> RunnerProcess::reap() noexcept {
  // What has ended keeps its number until its status is taken, so this group is still the runner's.
  ::kill(-pid(), SIGKILL);
  int status = 0;
  rusage used = {};
  reaping_ = true;
  pid_t reaped = -1;
  do {
    reaped = ::wait4(pid(), &status, WNOHANG, &used);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) {
    return std::nullopt;
  }
  if (reaped < 0) {
    Exit unknown;
    unknown.code = -1;
    return unknown;
  }
  return as_exit(status, used);
}

void RunnerProcess::finish(const Exit& exit) noexcept {
  {
    const std::lock_guard lock(mutex_);
    exit_ = exit;
  }
  {
    const std::lock_guard lock(calling_);
    try {
      if (!released_ && callbacks_.on_exit) {
        callbacks_.on_exit(exit);
      }
    } catch (...) { // the handle knows the exit as well
    }
  }
  give_up();
}

void RunnerProcess::give_up() noexcept {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

} // namespace projector::plugin
