#include "drops.hpp"

#include "base/stop.hpp"
#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

namespace projector::bench {
namespace {

using test::eventually;

constexpr std::chrono::seconds kPatience{120};

pg::Connection connect(const std::string& dsn) {
  pg::ConnectOptions options;
  options.dsn = dsn;
  options.application_name = "bench";
  return {options, base::no_stop()};
}

double number(pg::Connection& connection, const std::string& sql) {
  const auto result = connection.exec(sql);
  return result.rows() == 0 || result.is_null(0, 0) ? 0 : std::stod(std::string(result.bytes(0, 0)));
}

void expect(bool held, const std::string& what, const test::HostProcess& host) {
  if (!held) {
    throw std::runtime_error(what + ":\n" + host.log());
  }
}

/// What the live projections have handled and what was written, at one moment.
struct Sample {
  double at = 0; ///< seconds
  double handled = 0;
  double written = 0;
};

/// As of the host's next heartbeat.
Sample sample(pg::Connection& connection, const test::EventWriters& writers) {
  constexpr const char* kHeartbeat =
      "SELECT extract(epoch FROM min(heartbeat)) FROM projector_workers WHERE name LIKE 'live%'";
  const double before = number(connection, kHeartbeat);
  Sample sample;
  if (!eventually([&] { return (sample.at = number(connection, kHeartbeat)) > before; }, kPatience)) {
    throw std::runtime_error("the host's heartbeat stands still");
  }
  sample.written = static_cast<double>(writers.written());
  sample.handled = number(connection, "SELECT sum(handled) FROM projector_workers WHERE name LIKE 'live%'");
  return sample;
}

void start_live(test::HostProcess& host, pg::Connection& connection, std::uint32_t live) {
  host.install_file(PROJECTOR_BENCH_PLUGIN_DIR "/bench_noop.so", "bench_noop");
  std::string tables;
  for (std::uint32_t index = 0; index < live; ++index) {
    tables += fmt::format("[projection.live{}]\nplugin = \"bench_noop\"\n", index);
  }
  host.write_projection_file("live", tables);
  host.start();
  const bool all = eventually(
      [&] {
        try {
          return number(connection, "SELECT count(*) FROM projector_workers WHERE state = 'live'") == live;
        } catch (const pg::Error&) {
          return false; // the host has not made its tables yet
        }
      },
      kPatience);
  expect(all, "not all projections have become live", host);
}

/// Milliseconds until the first batch of one more plugin was committed.
double drop(const test::HostProcess& host, pg::Connection& connection, std::uint32_t index) {
  const std::string name = fmt::format("bench_drop_{:03}", index);
  host.install_renamed(PROJECTOR_BENCH_PLUGIN_DIR "/bench_drop_000.so", name);
  const auto dropped = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto position = fmt::format("SELECT position FROM projector_checkpoints WHERE name = '{}'", name);
  expect(eventually([&] { return number(connection, position) > 0; }, kPatience), name + " has committed nothing",
         host);
  const double committed = number(
      connection, fmt::format("SELECT extract(epoch FROM min(pg_xact_commit_timestamp(xmin))) FROM {}_batches", name));
  return (committed - dropped) * 1000;
}

} // namespace

Drops drop_files(const std::string& dsn, std::uint32_t live, std::uint32_t drops) {
  auto connection = connect(dsn);
  test::HostProcess host(dsn);
  start_live(host, connection, live);
  test::EventWriters writers(dsn, {.writers = 4, .events = ~std::uint64_t{0}, .pause_us = 10000, .two_phase = false});
  Drops result;
  const Sample first = sample(connection, writers);
  Sample second = sample(connection, writers);
  while (second.at < first.at + 5) {
    second = sample(connection, writers);
  }
  for (std::uint32_t index = 1; index <= drops; ++index) {
    result.milliseconds.push_back(drop(host, connection, index));
  }
  const Sample third = sample(connection, writers);
  std::sort(result.milliseconds.begin(), result.milliseconds.end());
  result.handled_without = (second.handled - first.handled) / (second.at - first.at);
  result.written_without = (second.written - first.written) / (second.at - first.at);
  result.handled_with = (third.handled - second.handled) / (third.at - second.at);
  result.written_with = (third.written - second.written) / (third.at - second.at);
  return result;
}

double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted.at(std::max<std::size_t>(rank, 1) - 1);
}

} // namespace projector::bench
