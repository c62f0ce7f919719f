#include "supervisor/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace projector::supervisor {
namespace {

sigset_t taken_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    ::sigaddset(&set, signal);
  }
  return set;
}

base::UniqueFd block_and_open() {
  const sigset_t set = taken_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  base::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
  return fd;
}

} // namespace

SignalThread::SignalThread() : signals_(block_and_open()) {
  thread_ = std::jthread([this] { run(); });
}

SignalThread::~SignalThread() {
  quit_.request();
  thread_.join();
  // From now on SIGTERM and SIGINT have their default action, so that they end a process that hangs.
  ::signal(SIGHUP, SIG_IGN);
  const sigset_t set = taken_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool SignalThread::timed_out() const {
  const std::lock_guard lock(mutex_);
  return timed_out_;
}

void SignalThread::end_at(base::TimePoint deadline) {
  const std::lock_guard lock(mutex_);
  deadline_ = deadline;
  changed_.set();
}

void SignalThread::end_when(int fd) {
  const std::lock_guard lock(mutex_);
  end_fd_ = fd;
  changed_.set();
}

void SignalThread::on_hangup(std::function<void()> hangup) {
  const std::lock_guard lock(mutex_);
  hangup_ = std::move(hangup);
}

void SignalThread::run() {
  while (!quit_.requested()) {
    std::array<pollfd, 4> waits{};
    int milliseconds = -1;
    {
      const std::lock_guard lock(mutex_);
      const bool ending = stop_.requested();
      waits = {{{signals_.get(), POLLIN, 0},
                {quit_.fd(), POLLIN, 0},
                {changed_.fd(), POLLIN, 0},
                {ending ? -1 : end_fd_, POLLIN, 0}}};
      if (!ending) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - base::Clock::now()).count();
        milliseconds = static_cast<int>(std::clamp<decltype(left)>(left, 0, 3600000));
      }
    }
    ::poll(waits.data(), waits.size(), milliseconds);
    if (waits[2].revents != 0) {
      changed_.take();
    }
    if (waits[3].revents != 0) {
      stop_.request();
    }
    take_signals();
    const std::lock_guard lock(mutex_);
    if (!stop_.requested() && base::Clock::now() >= deadline_) {
      timed_out_ = true;
      stop_.request();
    }
  }
}

void SignalThread::take_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGHUP) {
      const std::lock_guard lock(mutex_);
      if (hangup_) {
        hangup_();
      }
      continue;
    }
    if (stop_.requested()) {
      spdlog::default_logger()->flush();
      ::_exit(128 + static_cast<int>(info.ssi_signo));
    }
    stop_.request();
  }
}

} // namespace projector::supervisor
