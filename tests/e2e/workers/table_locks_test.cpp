#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace projector::test {
namespace {

using testing::HasSubstr;

struct Mode {
  const char* sql;
  const char* name; ///< as pg_locks has it
  bool stops_writes;
};
/// Of the weak modes the strongest: none of them conflicts with more.
constexpr Mode kModes[] = {
    {"SHARE UPDATE EXCLUSIVE", "ShareUpdateExclusiveLock", false},
    {"SHARE", "ShareLock", true},
    {"SHARE ROW EXCLUSIVE", "ShareRowExclusiveLock", true},
    {"EXCLUSIVE", "ExclusiveLock", true},
    {"ACCESS EXCLUSIVE", "AccessExclusiveLock", true},
};

/// One host with a projection whose batches are transactions (recorder) and one whose checkpoint is handed over (noop),
/// while somebody locks one of the host's tables.
class TableLocks : public testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    create_event_store(dsn_);
    for (const auto* plugin : {"recorder", "noop"}) {
      host_.install_plugin(plugin);
      host_.write_projection_file(plugin, fmt::format("[projection.{}]\ncheckpoint_interval = \"10ms\"\n", plugin));
    }
    host_.start();
    ASSERT_TRUE(becomes(dsn_, "SELECT count(*) FROM projector_workers WHERE state = 'live'", "2")) << host_.log();
    append();
    ASSERT_TRUE(stored("recorder") && stored("noop")) << host_.log();
  }
  void append() {
    ++events_;
    query_value(dsn_, fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, "
                                  "aggregate_version, event_id, event_type, payload) VALUES ('c', 't', 'a', {}, "
                                  "gen_random_uuid(), 'Happened', '')",
                                  events_));
  }
  /// Queries in the session that holds the lock, so that the lock does not block the query.
  bool stored(const std::string& checkpoint) {
    return eventually([&] {
      return holder_
                 .exec("SELECT count(*) FROM projector_checkpoints WHERE name = $1 AND position = $2",
                       pg::Parameters{}.text(checkpoint, 25).int8(events_))
                 .bytes(0, 0) == "1";
    });
  }
  bool somebody_waits() {
    return eventually([&] {
      return holder_
                 .exec("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
                       "current_database()")
                 .bytes(0, 0) != "0";
    });
  }
  bool beats() {
    const std::string before(holder_.exec("SELECT clock_timestamp()").bytes(0, 0));
    return becomes(dsn_, fmt::format("SELECT count(*) FROM projector_workers WHERE heartbeat > '{}'", before), "2");
  }
  const std::string dsn_ = PrivatePostgres::shared().create_database();
  HostProcess host_{dsn_};
  pg::Connection holder_{{.dsn = dsn_, .application_name = "lock holder", .settings = {}}, base::no_stop()};
  int events_ = 0;
};

TEST_P(TableLocks, StopNoMoreThanWhatWritesToTheTableAndAreTold) {
  const std::string table = GetParam();
  const bool truth = table == "projector_checkpoints" || table == "projection_checkpoints";
  for (const auto& mode : kModes) {
    SCOPED_TRACE(mode.sql);
    const bool stops = (truth && mode.stops_writes) ||
                       (table == "projector_projections" && std::string(mode.sql) == "ACCESS EXCLUSIVE");
    holder_.script(fmt::format("BEGIN; LOCK TABLE {} IN {} MODE", table, mode.sql));
    append();
    const bool reported = mode.stops_writes && (table != "projector_projections" || stops);
    EXPECT_TRUE(!reported || somebody_waits());
    append();
    if (!stops) {
      EXPECT_TRUE(stored("recorder")) << host_.log();
      EXPECT_TRUE(stored("noop")) << host_.log();
    }
    if (reported) {
      EXPECT_TRUE(host_.logs(fmt::format("holds {} on {}", mode.name, table))) << host_.log();
      EXPECT_THAT(host_.log(),
                  HasSubstr(fmt::format("pid {} (lock holder, idle in transaction for ", holder_.backend_pid())));
    }
    EXPECT_TRUE((table == "projector_workers" && mode.stops_writes) || beats()) << host_.log();
    if (truth && reported) {
      EXPECT_TRUE(becomes(dsn_,
                          fmt::format("SELECT reason LIKE '%holds {} on {}' FROM projector_workers WHERE name = 'noop'",
                                      mode.name, table),
                          "t"))
          << value_or_nothing(dsn_, "SELECT reason FROM projector_workers WHERE name = 'noop'");
    }
    holder_.script("ROLLBACK");
    EXPECT_TRUE(stored("recorder")) << host_.log();
    EXPECT_TRUE(stored("noop")) << host_.log();
    EXPECT_TRUE(beats()) << host_.log();
    if (HasFailure()) {
      return;
    }
  }
  holder_.script(fmt::format("BEGIN; LOCK TABLE {}", table));
  EXPECT_EQ(host_.stop(), 0) << host_.log();
}

INSTANTIATE_TEST_SUITE_P(All, TableLocks,
                         testing::Values("projector_workers", "projector_stores", "projector_projections",
                                         "projector_checkpoints", "projection_checkpoints"),
                         [](const auto& tested) { return std::string(tested.param); });

} // namespace
} // namespace projector::test
