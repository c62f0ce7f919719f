#include "host_test.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace projector::test {
namespace {

const std::vector<std::string> kUntilCaughtUp{"--until-caught-up", "--timeout", "60s"};

/// Beside what is stuck, this one catches up.
void expect_right(const std::string& dsn) {
  EXPECT_EQ(read_model_difference(dsn, "recorder", "recorder"), 0);
}

TEST(UntilCaughtUp, TimesOutAndNamesWhatBlocks) {
  const std::string dsn = store_with_events(10);
  HostProcess host(dsn);
  host.install_plugin("noop");
  host.write_projection_file("noop", "[projection.noop]\npartitions = 2\n");
  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "2s", "--worker-id", "0", "--total-workers", "2"}), 1);
  EXPECT_TRUE(host.logs("timed out: noop_p1 at 0 of ")) << host.log();
}

TEST(UntilCaughtUp, EndsWithOneBesideAProjectionThatFailed) {
  const std::string dsn = store_with_events(200);
  for (const std::string interval : {"1m", "0s"}) {
    HostProcess host(dsn);
    host.install_plugin("recorder");
    host.install_plugin("handle_throws");
    host.write_projection_file("throws", "[projection.handle_throws]\nrestart_interval = \"" + interval + "\"\n");
    EXPECT_EQ(host.run(kUntilCaughtUp), 1);
    EXPECT_TRUE(host.logs("not caught up: handle_throws at 0 of ")) << host.log();
    EXPECT_TRUE(host.logs(": failed: ")) << host.log();
    expect_right(dsn);
  }
}

TEST(UntilCaughtUp, EndsWithOneBesideARefusedPluginAMissingOneAndARefusedFile) {
  const std::string dsn = store_with_events(200);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.install_plugin("bad_name");
  host.write_projection_file("absent", "[projection.absent]\npartitions = 2\n");
  host.write_projection_file("bad", "[projection.bad]\nbatchsize = 10\n");
  EXPECT_EQ(host.run(kUntilCaughtUp), 1);
  EXPECT_TRUE(host.logs("not caught up: absent_p0 has no checkpoint: missing: no plugin directory holds absent.so"))
      << host.log();
  EXPECT_TRUE(host.logs("not caught up: absent_p1 has no checkpoint: missing: ")) << host.log();
  EXPECT_TRUE(host.logs("not caught up: bad_name has no checkpoint: refused: ")) << host.log();
  EXPECT_TRUE(host.logs("not caught up: bad: refused: ")) << host.log();
  expect_right(dsn);
}

TEST(UntilCaughtUp, ProjectionsThatAreNotSelectedDoNotCount) {
  const std::string dsn = store_with_events(200);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.install_plugin("handle_throws");
  host.write_projection_file("bad", "[projection.bad]\nbatchsize = 10\n");
  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "60s", "--only", "recorder"}), 0) << host.log();
  expect_right(dsn);
}

TEST(UntilCaughtUp, ANameThatNoProjectionHasEndsWithOne) {
  const std::string dsn = store_with_events(20);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "60s", "--only", "recordr"}), 1);
  EXPECT_TRUE(host.logs("warning --only recordr: no projection has this name; there are: recorder")) << host.log();
  EXPECT_TRUE(host.logs("not caught up: --only recordr: ")) << host.log();
}

} // namespace
} // namespace projector::test
