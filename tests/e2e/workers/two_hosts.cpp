#include "two_hosts.hpp"

#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/wait.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>

namespace projector::test {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace

std::string Seconds::text() const {
  return values.empty() ? "none"
                        : fmt::format("{:.1f} to {:.1f} s (median {:.1f} s, {} times)", values.front(), values.back(),
                                      values[values.size() / 2], values.size());
}

TwoHosts::TwoHosts(std::string dsn) : dsn_(std::move(dsn)), hosts_{HostProcess(dsn_), HostProcess(dsn_)} {
  for (auto& host : hosts_) {
    host.install_plugin("recorder");
    host.install_plugin("revenue");
    host.write_projection_file(
        "all",
        projection_tables({"recorder", "revenue"}, "batch_size = 20\npartitions = 1\nrestart_interval = \"2s\"\n"));
  }
}

void TwoHosts::start(std::size_t which) {
  life_[which] = lives_.size();
  lives_.push_back({which, now(), 0, false});
  hosts_[which].start({}, {{"PGAPPNAME", std::to_string(life_[which])}});
}

void TwoHosts::end(std::size_t which, bool kill) {
  auto& life = lives_[life_[which]];
  ASSERT_TRUE(hosts_[which].running()) << hosts_[which].log();
  life.ended = now();
  life.killed = kill;
  ++(kill ? kills_ : stops_);
  if (kill) {
    hosts_[which].kill();
  } else {
    EXPECT_EQ(hosts_[which].stop(), 0) << hosts_[which].log();
  }
}

void TwoHosts::suspend(std::size_t which, bool in_transaction) {
  const auto as_wanted = [&] {
    const auto free_rows =
        query_value(dsn_, "SELECT string_agg(name, ',') FROM (SELECT name FROM projector_checkpoints "
                          "ORDER BY name FOR UPDATE SKIP LOCKED) AS free");
    return in_transaction ? free_rows.find("recorder") == std::string::npos : free_rows == "recorder,revenue";
  };
  EXPECT_TRUE(eventually([&] {
    hosts_[which].signal(SIGSTOP);
    // What it had sent by then is still carried out.
    const double at_rest = now() + 0.2;
    bool good = as_wanted();
    while (good && now() < at_rest) {
      good = as_wanted();
    }
    hosts_[which].signal(good ? SIGSTOP : SIGCONT);
    return good;
  }));
}

void TwoHosts::resume(std::size_t which) {
  hosts_[which].signal(SIGCONT);
}

std::string TwoHosts::running_hosts() const {
  std::string pids;
  for (const auto& host : hosts_) {
    pids += fmt::format("{}'/{}'", pids.empty() ? "" : ", ", host.pid());
  }
  return fmt::format("substring(host FROM '/[0-9]+$') IN ({})", pids);
}

bool TwoHosts::would_own(std::size_t which) const {
  return query_value(dsn_,
                     fmt::format("SELECT count(*) FROM projector_workers WHERE name = 'recorder' AND state NOT IN "
                                 "('standby', 'stopped') AND host LIKE '%/{}'",
                                 hosts_[which].pid())) == "1";
}

std::string TwoHosts::owners() const {
  return query_value(dsn_,
                     fmt::format("SELECT coalesce(string_agg(host, ',' ORDER BY host), '') FROM projector_workers "
                                 "WHERE name = 'recorder' AND state NOT IN ('standby', 'stopped') AND {}",
                                 running_hosts()));
}

bool TwoHosts::settled() const {
  return value_or_nothing(dsn_, fmt::format("SELECT string_agg(name || ' ' || state, ', ' ORDER BY name, state) FROM "
                                            "(SELECT name, replace(state, 'catching_up', 'live') AS state FROM "
                                            "projector_workers WHERE {}) AS t",
                                            running_hosts())) ==
         "recorder live, recorder standby, revenue live, revenue standby";
}

std::size_t TwoHosts::owner() const {
  const auto name = query_value(dsn_, "SELECT writer FROM recorder_seen ORDER BY n DESC LIMIT 1");
  return name.empty() ? 2 : lives_.at(std::stoul(name)).which;
}

TwoHosts::Ownership TwoHosts::ownership() const {
  pg::Connection connection({.dsn = dsn_, .settings = {}}, base::no_stop());
  const auto runs = connection.exec(
      "SELECT writer::bigint, (extract(epoch FROM at) * 1000000)::bigint FROM (SELECT n, writer, at, lag(writer) OVER "
      "(ORDER BY n) AS before FROM recorder_seen) AS t WHERE before IS DISTINCT FROM writer ORDER BY n");
  Ownership ownership;
  std::set<std::int64_t> seen;
  for (std::size_t row = 0; row < runs.rows(); ++row) {
    const auto writer = runs.int8(row, 0);
    ownership.returns += seen.insert(writer).second ? 0 : 1;
    if (row == 0) {
      continue;
    }
    const auto& before = lives_.at(static_cast<std::size_t>(runs.int8(row - 1, 0)));
    const double began = static_cast<double>(runs.int8(row, 1)) / 1e6;
    ownership.from_the_living += before.ended > 0 && before.ended <= began ? 0 : 1;
    const auto& after = lives_.at(static_cast<std::size_t>(writer));
    if (after.which != before.which) {
      ++ownership.changes;
      if (before.killed && after.started < before.ended) {
        ownership.take_overs.values.push_back(began - before.ended);
      }
    }
  }
  std::sort(ownership.take_overs.values.begin(), ownership.take_overs.values.end());
  return ownership;
}

std::string TwoHosts::everything() const {
  return value_or_nothing(dsn_, "SELECT string_agg(format('%s %s %s %s %s', name, host, state, now() - heartbeat, "
                                "reason), E'\\n' ORDER BY name, host) FROM projector_workers WHERE heartbeat > now() - "
                                "interval '1 minute'") +
         "\n-- first\n" + hosts_[0].log() + "-- second\n" + hosts_[1].log();
}

} // namespace projector::test
