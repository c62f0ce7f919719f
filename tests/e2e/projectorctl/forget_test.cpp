#include "adopt_test.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::HasSubstr;

class ForgetCommand : public AdoptCommand {
protected:
  ForgetCommand() { add_events(20); }
  void retire() const { host_.write_projection_file("things", "[projection.others]\nplugin = \"recorder\"\n"); }
  [[nodiscard]] std::string stored() const {
    return value("SELECT (SELECT count(*) FROM projector_projections) || ' ' || (SELECT count(*) FROM "
                 "projector_checkpoints) || ' ' || (SELECT count(*) FROM projector_workers) || ' ' || (SELECT count(*) "
                 "FROM projection_checkpoints)");
  }
};

TEST_F(ForgetCommand, ARetiredProjectionLeavesTheStatus) {
  configure(2);
  run_host();
  retire();
  ASSERT_THAT(ctl({"status"}).output, HasSubstr("things"));
  value(
      "INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin, heartbeat) VALUES "
      "('things_p0', 'dead/1', 'things', 0, 2, 'live', 'recorder', now() - interval '1 hour')");
  const auto run = ctl({"forget", "things"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(run.output,
            "things is forgotten: its checkpoints and states were deleted.\n"
            "Its rows of public.projection_checkpoints are left for other programs, and a projection of that "
            "name would go on from them; to delete them run DELETE FROM public.projection_checkpoints WHERE "
            "projection_name IN ('things_p0', 'things_p1')\n"
            "Tables that its plugin made are left; by their names these may be: public.things_seen\n");
  EXPECT_EQ(stored(), "0 0 0 2");
  EXPECT_EQ(ctl({"status"}).output.find("things"), std::string::npos);
  value("DELETE FROM public.projection_checkpoints WHERE projection_name IN ('things_p0', 'things_p1')");
  EXPECT_EQ(stored(), "0 0 0 0");
}

TEST_F(ForgetCommand, ItsMirroredRowsGoWhereThatIsAskedFor) {
  run_host();
  value("INSERT INTO projection_checkpoints VALUES ('things_of_others', 3)");
  retire();
  const auto run = ctl({"forget", "things", "--mirrored"});
  EXPECT_THAT(run.output, HasSubstr("Its rows of public.projection_checkpoints (things) were deleted, too.\n"));
  EXPECT_EQ(stored(), "0 0 0 1");
}

TEST_F(ForgetCommand, OneThatAFileNamesIsRefused) {
  run_host();
  const auto file = (host_.configuration_file().parent_path() / "projections.d" / "things.toml").string();
  EXPECT_EQ(ctl({"forget", "things"}).output, file + ":1:1 names things: remove [projection.things] there first\n");
  host_.write_projection_file("things", "[projection.renamed]\nplugin = \"recorder\"\ncheckpoint = \"things\"\n");
  EXPECT_EQ(ctl({"forget", "things"}).output, file + ":1:1 names things: remove [projection.renamed] there first\n");
  host_.write_projection_file("things", "[projection.things]\nbatchsize = 1\n");
  EXPECT_THAT(ctl({"forget", "things"}).output, HasSubstr(file + " names things: remove it there first"));
  EXPECT_EQ(stored(), "1 1 0 1");
}

TEST_F(ForgetCommand, OneThatAHostRunsIsRefused) {
  host_.start();
  ASSERT_TRUE(shows_state("live")) << host_.log();
  test::HostProcess other{dsn_};
  const auto run = test::run_program(
      {PROJECTOR_TEST_BIN_DIR "/projectorctl", "forget", "things", "--config", other.configuration_file().string()});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, testing::StartsWith("things runs: host "));
  EXPECT_EQ(host_.stop(), 0);
  EXPECT_EQ(stored(), "1 1 0 1");
}

TEST_F(ForgetCommand, AnUnknownNameListsTheKnownOnes) {
  EXPECT_EQ(ctl({"forget", "thing"}).output, "no host has ever run thing here; known: none\n");
  run_host();
  EXPECT_EQ(ctl({"forget", "thing"}).output, "no host has ever run thing here; known: things\n");
}

TEST_F(ForgetCommand, OneThatOnlyStatesAreLeftOfGoesToo) {
  run_host();
  value(
      "INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin, heartbeat) VALUES "
      "('old', 'dead/1', 'old', 0, 1, 'missing', 'old', now() - interval '1 hour')");
  EXPECT_EQ(ctl({"forget", "old"}).code, 0);
  EXPECT_EQ(stored(), "1 1 0 1");
}

} // namespace
} // namespace projector::control
