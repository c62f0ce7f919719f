#include "hot_test.hpp"
#include "replacement.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <string>

namespace projector::test {
namespace {

class Rebuild : public HotTest {
protected:
  void start(const std::string& keys) {
    host_.install_plugin("trial");
    host_.write_projection_file("trial",
                                "[projection.trial]\npartitions = 3\nbatch_size = 10\nmax_retries = 1\n" + keys);
    append(200);
    host_.start();
    ASSERT_TRUE(is_live("trial", 1)) << everything();
    ASSERT_TRUE(caught_up());
    EXPECT_EQ(value("SELECT bool_or(rebuild) FROM trial_batches"), "f");
  }
  void put(const std::string& version) {
    replace_file(built_plugin(version, "trial"), host_.plugin_directory() / "trial.so", Way::Rsync);
  }
  void request() {
    const auto finished = run_program(
        {PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host_.configuration_file().string(), "rebuild", "trial"});
    ASSERT_EQ(finished.code, 0) << finished.output;
  }
  std::string epoch() { return value("SELECT epoch FROM projector_projections WHERE checkpoint = 'trial'"); }
  std::string stored_version() {
    return value("SELECT read_model_version FROM projector_projections WHERE checkpoint = 'trial'");
  }
  /// Everything that the read model holds.
  std::string contents() {
    return value("SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM (SELECT projection || partition || ' ' || "
                 "global_position FROM trial_seen UNION ALL SELECT mark || partition || rebuild || events FROM "
                 "trial_batches) rows (s)");
  }
  /// Whether the read model is of this version alone, all of it handed over as a rebuild by all partitions.
  void expect_rebuilt(const std::string& mark) {
    ASSERT_TRUE(caught_up()) << everything();
    EXPECT_EQ(difference("trial"), 0);
    EXPECT_EQ(value("SELECT string_agg(DISTINCT projection, ',') FROM trial_seen"), mark);
    EXPECT_EQ(value("SELECT string_agg(DISTINCT mark, ',') FROM trial_batches"), mark);
    EXPECT_EQ(value("SELECT bool_and(rebuild) FROM trial_batches"), "t");
    EXPECT_EQ(value("SELECT count(DISTINCT partition) FROM trial_batches"), "3");
    EXPECT_EQ(value("SELECT sum(events) = (SELECT count(*) FROM events) FROM trial_batches"), "t");
  }
};

TEST_F(Rebuild, AnotherReadModelVersionWaitsForTheOperatorAndRebuildsAllPartitions) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  const auto before = contents();
  put("rebuild");
  ASSERT_TRUE(shows_reason("trial", "generation 1 keeps running: ")) << everything();
  EXPECT_TRUE(shows_reason("trial", "projectorctl rebuild trial")) << everything();
  EXPECT_EQ(shown("trial", "state"), "live");
  EXPECT_EQ(shown("trial", "plugin_version"), "1.0.0");
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(epoch(), "1");

  ASSERT_NO_FATAL_FAILURE(request());
  ASSERT_TRUE(is_live("trial", 2)) << everything();
  EXPECT_EQ(shown("trial", "plugin_version"), "3.0.0");
  expect_rebuilt("third");
  EXPECT_EQ(epoch(), "2");
  EXPECT_EQ(stored_version(), "2");
  append(30);
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("trial"), 0);
  EXPECT_EQ(value("SELECT sum(events) FROM trial_batches WHERE NOT rebuild"), "30");

  put(".");
  ASSERT_TRUE(shows_reason("trial", "projectorctl rebuild trial")) << everything();
  EXPECT_EQ(shown("trial", "generation"), "2");
  ASSERT_NO_FATAL_FAILURE(request());
  ASSERT_TRUE(is_live("trial", 3)) << everything();
  expect_rebuilt("first");
  EXPECT_EQ(epoch(), "3");
  EXPECT_EQ(stored_version(), "1");
}

TEST_F(Rebuild, ARequestWithoutANewFileRebuildsAsWell) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  ASSERT_NO_FATAL_FAILURE(request());
  ASSERT_TRUE(becomes("SELECT epoch FROM projector_projections", "2")) << everything();
  expect_rebuilt("first");
  EXPECT_TRUE(shows("trial", "state", "live"));
  EXPECT_TRUE(shows("trial", "reason", "")) << everything();
  // Served once.
  ASSERT_EQ(host_.stop(), 0) << host_.log();
  host_.start();
  append(5);
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(epoch(), "2");
  EXPECT_EQ(difference("trial"), 0);
}

TEST_F(Rebuild, ARequestThatFollowsAServedOneAtOnceIsServedToo) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  for (const char* epoch : {"2", "3", "4"}) {
    ASSERT_NO_FATAL_FAILURE(request());
    ASSERT_TRUE(becomes("SELECT epoch FROM projector_projections", epoch)) << everything();
  }
  expect_rebuilt("first");
}

TEST_F(Rebuild, AnAutomaticRebuildThatFailsLeavesTheReadModelAsItWas) {
  ASSERT_NO_FATAL_FAILURE(start("rebuild = \"automatic\"\n"));
  const auto before = contents();
  put("rebuild_fails");
  std::string now = before;
  ASSERT_TRUE(eventually([&] {
    now = contents();
    return now != before || host_.log().find("going back to generation 1") != std::string::npos;
  })) << everything();
  EXPECT_EQ(now, before);
  EXPECT_TRUE(host_.logs("trial: generation 2 failed before its first commit, going back to generation 1: "));
  ASSERT_TRUE(shows_reason("trial", "fails after its statements")) << everything();
  ASSERT_TRUE(shows("trial", "generation", "1")) << everything();
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(epoch(), "1");
  EXPECT_EQ(stored_version(), "1");
  append(30);
  ASSERT_TRUE(caught_up()) << everything();
  EXPECT_EQ(difference("trial"), 0);
  EXPECT_EQ(value("SELECT sum(events) FROM trial_batches WHERE rebuild"), "");

  put("rebuild");
  ASSERT_TRUE(is_live("trial", 3)) << everything();
  expect_rebuilt("third");
  EXPECT_EQ(epoch(), "2");
  EXPECT_EQ(stored_version(), "2");
  // By itself it goes up only.
  put(".");
  ASSERT_TRUE(shows_reason("trial", "generation 3 keeps running: ")) << everything();
  ASSERT_TRUE(shows_reason("trial", "to go back run \"projectorctl rebuild trial\"")) << everything();
  EXPECT_EQ(epoch(), "2");
  ASSERT_NO_FATAL_FAILURE(request());
  ASSERT_TRUE(is_live("trial", 4)) << everything();
  expect_rebuilt("first");
  EXPECT_EQ(epoch(), "3");
  EXPECT_EQ(stored_version(), "1");
}

} // namespace
} // namespace projector::test
