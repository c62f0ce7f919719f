#include "store_test.hpp"

#include <gmock/gmock.h>

namespace projector::eventlog {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

/// A server on which not everybody may execute every function.
class ManagedServer : public StoreTest {
protected:
  ManagedServer() { admin_->script("CREATE ROLE " + role_ + " LOGIN; " + store_schema("events", role_)); }
  void revoke(const std::string& function) { admin_->exec("REVOKE EXECUTE ON FUNCTION " + function + " FROM PUBLIC"); }
  EventLogOptions as_role() {
    auto with = options();
    with.connect = connect_options(role_);
    return with;
  }
  void run_cure(const std::string& text) { admin_->exec(text.substr(text.find("GRANT EXECUTE"))); }
  const std::string role_ = "managed_" + std::to_string(admin_->backend_pid());
};

TEST_F(ManagedServer, WhatTellsTheStoreIsNamedWithItsGrant) {
  for (const std::string function : {"pg_control_system()", "pg_postmaster_start_time()"}) {
    revoke(function);
    const auto found = refusal(as_role());
    EXPECT_THAT(found, StartsWith("role " + role_ + " may not execute pg_catalog." + function +
                                  ", which identify the event store and "
                                  "show a restart of its server. Cure, as a superuser, "));
    EXPECT_THAT(found, EndsWith("GRANT EXECUTE ON FUNCTION pg_catalog." + function + " TO \"" + role_ + "\""));
    run_cure(found);
    open(as_role());
  }
}

TEST_F(ManagedServer, WithoutThePositionOnDiskOnlyWhatMustBeFlushedWaits) {
  revoke("pg_current_wal_flush_lsn()");
  revoke("pg_walfile_name(pg_lsn)");
  const auto log = open(as_role());
  const auto writer = session();
  writer->exec("BEGIN");
  emit(*writer, 2);
  emit(*admin_, 3);
  await_gap(*log);
  writer->exec("COMMIT");
  expect_all_delivered(*log);
  EXPECT_EQ(log->durable_settled(), 0);

  Follower durable(*log, {}, true);
  const auto far = base::Clock::now() + std::chrono::seconds(60);
  const auto next = durable.cursor().next(0, far, base::no_stop());
  ASSERT_EQ(next.status, Cursor::Status::Halted);
  EXPECT_THAT(next.reason,
              StartsWith("role " + role_ +
                         " may not execute pg_catalog.pg_current_wal_flush_lsn(), "
                         "pg_catalog.pg_walfile_name(pg_lsn), which show what the event store has on disk"));
  EXPECT_EQ(log->snapshot().halted, "");
  run_cure(next.reason);
  EXPECT_EQ(durable.cursor().next(0, far, base::no_stop()).status, Cursor::Status::NewStore);
  durable.cursor().restarted();
  durable.read_to(5);
  EXPECT_EQ(durable.positions(), stored());
}

} // namespace
} // namespace projector::eventlog
