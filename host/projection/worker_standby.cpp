#include "projection/clean_session.hpp"
#include "projection/worker.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace projector::projection {
namespace {

/// A heartbeat comes every second; one that is late by a moment is no sign of an end.
constexpr base::Duration kSilence = std::chrono::seconds(3);

/// Whether `other` is a process of this machine, as `own` is, and gone. Then nobody has to wait for its silence.
bool gone_from_here(const std::string& other, const std::string& own) {
  const auto slash = other.rfind('/');
  pid_t pid = 0;
  if (slash == std::string::npos || own.substr(0, own.rfind('/')) != other.substr(0, slash) ||
      std::from_chars(other.data() + slash + 1, other.data() + other.size(), pid).ec != std::errc{} || pid <= 0) {
    return false;
  }
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

} // namespace

bool Worker::another_host_runs() {
  auto lease = borrow_clean_session(services_.pool, assignment_.projection.name, stop_, base::Duration::zero());
  for (const auto& other : other_hosts(lease.connection(), services_.tables, key_, services_.host, kSilence)) {
    if (!gone_from_here(other, services_.host)) {
      set_state(State::Standby, fmt::format("host {} runs it; this one takes over when that stands still", other));
      return true;
    }
  }
  return false;
}

Worker::End Worker::stand_by() {
  if (status().state != State::Standby) {
    set_state(State::Standby, "another host moves this checkpoint; this one takes over when it stands still");
  }
  spdlog::info("{}: standing by: {}", title_, status().reason);
  const auto interval = std::max<base::Duration>(assignment_.projection.restart_interval, std::chrono::seconds(1));
  const auto look = std::clamp<base::Duration>(interval / 10, std::chrono::milliseconds(100), std::chrono::seconds(1));
  std::int64_t seen = -1;
  auto still_since = base::Clock::now();
  do {
    try {
      auto lease = borrow_clean_session(services_.pool, assignment_.projection.name, stop_, base::Duration::zero());
      const auto stored = read_checkpoint(lease.connection(), services_.tables, key_);
      const std::int64_t now = stored ? stored->position : -1;
      if (now != seen) {
        seen = now;
        still_since = base::Clock::now();
      } else if (base::Clock::now() - still_since >= interval &&
                 other_hosts(lease.connection(), services_.tables, key_, services_.host, std::max(interval, kSilence))
                     .empty()) {
        spdlog::info("{}: the other host stands still, taking over at {}", title_, now);
        return End::Anew;
      }
    } catch (const pg::Error& error) {
      spdlog::warn("{}: standing by: {}", title_, error.what());
    }
  } while (pause(look));
  return End::Stop;
}

} // namespace projector::projection
