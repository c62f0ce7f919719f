#include "plugin/runner_output.hpp"

#include "base/clean_text.hpp"
#include "channel/log_line.hpp"

#include <projector/plugin.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace projector::plugin {
namespace {

using Ends = std::array<int, 2>;

constexpr std::size_t kMostAtOnce = 65536; // bytes of a pipe, so that one runner's flood delays no other runner
constexpr int kMostLogLinesAtOnce = 64;
constexpr int kMostLastLogLines = 4096; // more than the socket's buffer holds

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Ends make_pipe() {
  Ends ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("cannot make a pipe for a runner's output");
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK); // this end only: a runner that prints much waits
  return ends;
}

Ends make_log_socket() {
  Ends ends = {};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    fail("cannot make a socket for a runner's log");
  }
  ::shutdown(ends[0], SHUT_WR);
  return ends;
}

} // namespace

RunnerOutput::RunnerOutput(TakeLine take_line) : take_line_(std::move(take_line)) {
  for (const Source source : kSources) {
    const Ends ends = source == Source::Log ? make_log_socket() : make_pipe();
    ends_[index(source)].reset(ends[0]);
    runner_ends_[index(source)].reset(ends[1]);
  }
}

std::vector<int> RunnerOutput::runner_ends() const {
  std::vector<int> fds;
  for (const auto& end : runner_ends_) {
    fds.push_back(end.get());
  }
  return fds;
}

void RunnerOutput::close_runner_ends() noexcept {
  for (auto& end : runner_ends_) {
    end.reset();
  }
}

bool RunnerOutput::read(Source source, base::TimePoint now) {
  if (source == Source::Log) {
    return read_log(now);
  }
  if (read_pipe(source, kMostAtOnce, now) > 0) {
    return true;
  }
  if (errno == EAGAIN) {
    return true;
  }
  splitters_[index(source)].finish(taker(source, now));
  return false;
}

bool RunnerOutput::read_log(base::TimePoint now) {
  for (int taken = 0; taken < kMostLogLinesAtOnce; ++taken) {
    const auto line = channel::receive_log_line(fd(Source::Log));
    switch (line.status) {
    case channel::LogLine::Status::Line:
      take(line.level, line.text, now);
      break;
    case channel::LogLine::Status::Malformed:
      break;
    case channel::LogLine::Status::Nothing:
      return true;
    case channel::LogLine::Status::Ended:
      return false;
    }
  }
  return true;
}

/// Returns 0 at the end of the file, with an errno of 0, and after an error.
std::size_t RunnerOutput::read_pipe(Source source, std::size_t most, base::TimePoint now) {
  std::array<char, kMostAtOnce> bytes; // not initialised, since a read of a few bytes would pay for that
  ssize_t got = -1;
  do {
    errno = 0;
    got = ::read(fd(source), bytes.data(), std::min(most, bytes.size()));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    return 0;
  }
  const auto size = static_cast<std::size_t>(got);
  splitters_[index(source)].add({bytes.data(), size}, taker(source, now));
  return size;
}

void RunnerOutput::finish(base::TimePoint now) {
  for (const Source source : {Source::Out, Source::Err}) {
    int left = 0;
    if (fd(source) >= 0 && ::ioctl(fd(source), FIONREAD, &left) == 0) {
      while (left > 0) {
        const std::size_t got = read_pipe(source, static_cast<std::size_t>(left), now);
        left = got > 0 ? left - static_cast<int>(got) : 0;
      }
      splitters_[index(source)].finish(taker(source, now));
    }
  }
  if (fd(Source::Log) >= 0) {
    for (int taken = 0; taken < kMostLastLogLines && read_log(now); taken += kMostLogLinesAtOnce) {
    }
  }
  report_dropped();
  for (const Source source : kSources) {
    close(source);
  }
}

void RunnerOutput::report_dropped() {
  if (const auto count = quota_.take_dropped(); count > 0) {
    take_line_(PROJECTOR_LOG_WARN, fmt::format("{} more lines of output were dropped: only {} a second are logged",
                                               count, LineQuota::kLinesPerSecond));
  }
}

LineSplitter::TakeLine RunnerOutput::taker(Source source, base::TimePoint now) {
  return [this, now, level = source == Source::Out ? PROJECTOR_LOG_INFO : PROJECTOR_LOG_WARN](std::string_view line) {
    if (!line.empty()) {
      take(level, line, now);
    }
  };
}

void RunnerOutput::take(int level, std::string_view text, base::TimePoint now) {
  if (quota_.take(now)) {
    take_line_(level, base::clean_text(text, kLongestLine));
  }
}

} // namespace projector::plugin
