#include "page_test.hpp"

#include "support/event_writers.hpp"

#include <fmt/format.h>

#include <string>

namespace projector::test {
namespace {

class Readme : public PageTest {
protected:
  void expect_right(const std::string& projection) {
    EXPECT_EQ(difference(fmt::format("SELECT type, events FROM {}_counts", projection),
                         "SELECT event_type, count(*) FROM events GROUP BY 1"),
              "0")
        << projection;
  }
};

TEST_F(Readme, ItsSampleRunsTwiceIn12PartitionsUnderLoadWithoutADeadlock) {
  install(Page("README.md"), "PROJECTOR_EXPORT_PROJECTION", "event_types");
  host_.write_projection_file("event_types", "[projection.event_types]\npartitions = 12\nbatch_size = 20\n"
                                             "[projection.again]\nplugin = \"event_types\"\npartitions = 12\n"
                                             "batch_size = 7\n");
  EventWriters(dsn_, {.writers = 4, .events = 3000, .seed = 3}).join();
  host_.start();
  EventWriters(dsn_, {.writers = 4, .events = 6000, .seed = 4}).join();
  ASSERT_TRUE(caught_up()) << host_.log();
  EXPECT_EQ(value("SELECT count(*) FROM projector_checkpoints"), "24");
  expect_right("event_types");
  expect_right("again");
  EXPECT_EQ(deadlocks_after_stop(), "0");
  EXPECT_EQ(host_.log().find("deadlock"), std::string::npos) << host_.log();
}

TEST_F(Readme, ItsSampleIsRebuilt) {
  host_.write_projection_file("event_types", "[projection.event_types]\n");
  install(Page("README.md"), "PROJECTOR_EXPORT_PROJECTION", "event_types");
  EventWriters(dsn_, {.writers = 2, .events = 500, .seed = 5}).join();
  host_.start();
  ASSERT_TRUE(becomes("SELECT state FROM projector_workers", "live")) << host_.log();
  ASSERT_TRUE(caught_up());
  value("UPDATE event_types_counts SET events = events + 1");
  ctl({"rebuild", "event_types"});
  ASSERT_TRUE(becomes("SELECT epoch FROM projector_projections", "2")) << host_.log();
  ASSERT_TRUE(caught_up()) << host_.log();
  expect_right("event_types");
}

} // namespace
} // namespace projector::test
