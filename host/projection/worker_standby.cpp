#include "projection/host_identity.hpp"
#include "projection/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace projector::projection {
namespace {

/// A heartbeat is written every second; a host whose heartbeat is a little late has not ended.
constexpr base::Duration kSilence = std::chrono::seconds(3);
/// A host that was silent for longer counts as ended, even while no heartbeat can be written.
constexpr base::Duration kForgotten = std::chrono::hours(1);
/// How long to wait for this host's own first heartbeat.
constexpr base::Duration kFirstHeartbeat = std::chrono::seconds(5);

} // namespace

std::vector<std::string> Worker::others(base::Duration interval) {
  auto hosts = ask([&](pg::Connection& connection) {
    return other_hosts(connection, services_.tables, key_, services_.host, interval);
  });
  std::erase_if(hosts, [&](const std::string& other) { return has_ended(other, services_.host); });
  return hosts;
}

bool Worker::silence_is_evidence(base::Duration interval) {
  using Hearing = Bookkeeper::Hearing;
  const auto deadline = base::Clock::now() + kFirstHeartbeat;
  while (services_.bookkeeper.hearing(interval) == Hearing::NotYet && base::Clock::now() < deadline) {
    services_.bookkeeper.poke();
    stop_.wait_for(std::chrono::milliseconds(10));
  }
  return services_.bookkeeper.hearing(interval) == Hearing::Heard;
}

std::optional<bool> Worker::another_host_runs() {
  if (const auto running = others(kSilence); !running.empty()) {
    set_state(State::Standby, fmt::format("host {} runs it; this one takes over if that one stops", running.front()));
    return true;
  }
  const auto silent = others(kForgotten);
  if (silent.empty() || silence_is_evidence(kSilence)) {
    return false;
  }
  back_off(fmt::format("host {} may still run it: no host can write heartbeats to {} now, so a missing heartbeat "
                       "proves nothing",
                       silent.front(), services_.tables.workers));
  return std::nullopt;
}

Worker::End Worker::stand_by() {
  if (status_.state() != State::Standby) {
    set_state(State::Standby, "another host moves this checkpoint; this one takes over if that one stops");
  }
  const auto reason = status_.get().reason;
  spdlog::info("{}: standing by: {}", title_, reason);
  const auto interval = std::max<base::Duration>(assignment_.projection.restart_interval, std::chrono::seconds(1));
  const auto look = std::clamp<base::Duration>(interval / 10, std::chrono::milliseconds(100), std::chrono::seconds(1));
  std::optional<std::int64_t> seen;
  auto still_since = base::Clock::now();
  trial_.begin(base::Clock::now());
  do {
    try {
      const auto row =
          ask([&](pg::Connection& connection) { return read_checkpoint(connection, services_.tables, key_); });
      const auto now = row ? std::optional(row->position) : std::nullopt;
      if (now != seen) {
        seen = now;
        still_since = base::Clock::now();
      } else if (base::Clock::now() - still_since >= interval && silence_is_evidence(std::max(interval, kSilence)) &&
                 others(std::max(interval, kSilence)).empty()) {
        spdlog::info("{}: the other host has stopped, taking over at {}", title_, now.value_or(0));
        return End::Anew;
      }
      set_state(State::Standby, reason);
      pass_trial_if_idle();
    } catch (const pg::Error& error) {
      set_state(State::Standby, fmt::format("{}; the last poll failed: {}", reason, error.what()));
    }
  } while (stop_.wait_for(look));
  return End::Stop;
}

} // namespace projector::projection
