#include "page_test.hpp"

#include "support/event_writers.hpp"

#include <fmt/format.h>

#include <string>

namespace projector::test {
namespace {

class Recipes : public PageTest {
protected:
  static std::string replaced(std::string text, const std::string& old, const std::string& by) {
    const auto at = text.find(old);
    if (at == std::string::npos) {
      throw std::runtime_error("the page says nothing of " + old);
    }
    return text.replace(at, old.size(), by);
  }

  const Page page_{"sdk/RECIPES.md"};
};

TEST_F(Recipes, AChangedColumnIsRebuiltInAllPartitions) {
  host_.write_projection_file("event_types", "[projection.event_types]\npartitions = 4\nbatch_size = 50\n");
  install(Page("README.md"), "PROJECTOR_EXPORT_PROJECTION", "event_types");
  EventWriters(dsn_, {.writers = 2, .events = 500, .seed = 6}).join();
  host_.start();
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'live'", "4")) << host_.log();
  ASSERT_TRUE(caught_up()) << host_.log();

  install(page_, ".read_model_version = 2", "event_types");
  ASSERT_TRUE(becomes("SELECT bool_and(reason LIKE '%projectorctl rebuild event_types%') FROM projector_workers", "t"))
      << host_.log();
  EXPECT_EQ(
      difference("SELECT type, events FROM event_types_counts", "SELECT event_type, count(*) FROM events GROUP BY 1"),
      "0");
  ctl({"rebuild", "event_types"});
  ASSERT_TRUE(becomes("SELECT string_agg(DISTINCT plugin_version, ',') FROM projector_workers", "2.0")) << host_.log();
  EventWriters(dsn_, {.writers = 2, .events = 200, .seed = 7}).join();
  ASSERT_TRUE(becomes("SELECT epoch FROM projector_projections", "2")) << host_.log();
  ASSERT_TRUE(caught_up()) << host_.log();
  EXPECT_EQ(difference("SELECT type, events, last_position FROM event_types_counts",
                       "SELECT event_type, count(*), max(global_position) FROM events GROUP BY 1"),
            "0");
}

TEST_F(Recipes, MoneyInJsonIsSummedUpExactlyAndABadPayloadIsFound) {
  install(page_, "\"order_totals\"", "order_totals");
  host_.write_projection_file("order_totals", "[projection.order_totals]\npartitions = 4\n");
  EventWriters(dsn_, {.writers = 2, .events = 900, .seed = 8}).join();
  host_.start();
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'live'", "4")) << host_.log();
  ASSERT_TRUE(caught_up()) << host_.log();
  const std::string expected =
      "SELECT p ->> 'currency', count(*), sum((p ->> 'amount')::numeric) FROM (SELECT convert_from(payload, "
      "'UTF8')::jsonb FROM events WHERE event_type = 'OrderPlaced' AND aggregate_id <> 'bad') AS o (p) GROUP BY 1";
  EXPECT_EQ(difference("SELECT currency, orders, amount FROM order_totals_sums", expected), "0");

  value("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
        "payload) VALUES ('s', 'Order', 'bad', 1, gen_random_uuid(), 'OrderPlaced', '{\"amount\":0.1}')");
  EXPECT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'failed' AND reason LIKE '%(OrderPlaced of "
                      "Order bad) was rejected%'",
                      "1"))
      << host_.log();
  EXPECT_EQ(difference("SELECT currency, orders, amount FROM order_totals_sums", expected), "0");
}

TEST_F(Recipes, ANewVersionCatchesUpBesideTheOldOne) {
  const Page readme("README.md");
  install(readme, "PROJECTOR_EXPORT_PROJECTION", "event_types");
  const std::string source = readme.code_with("PROJECTOR_EXPORT_PROJECTION");
  host_.install_file(
      build_plugin(replaced(source, "\"event_types\"", "\"event_types_v2\""), "event_types_v2", built_.path()),
      "event_types_v2");
  EventWriters(dsn_, {.writers = 2, .events = 300, .seed = 9}).join();
  host_.start();
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'live'", "2")) << host_.log();
  ASSERT_TRUE(caught_up()) << host_.log();
  value("CREATE VIEW event_counts AS SELECT type, events FROM event_types_counts");
  value(page_.code_with("CREATE OR REPLACE VIEW event_counts"));
  EXPECT_EQ(difference("TABLE event_counts", "SELECT event_type, count(*) FROM events GROUP BY 1"), "0");
  std::filesystem::remove(host_.plugin_directory() / "event_types.so");
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers", "1")) << host_.log();
  value("DROP TABLE event_types_counts");
}

TEST_F(Recipes, AnApplicationThatWaitsForAPositionSeesItsEvent) {
  install(Page("README.md"), "PROJECTOR_EXPORT_PROJECTION", "event_types");
  host_.write_projection_file("event_types", "[projection.event_types]\npartitions = 3\n");
  const std::string question = page_.code_with("FROM projector_checkpoints WHERE checkpoint");
  host_.start();
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'live'", "3")) << host_.log();
  for (int event = 1; event <= 20; ++event) {
    const std::string position =
        value("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
              "event_type, payload) VALUES ('s', 'Order', gen_random_uuid()::text, 1, gen_random_uuid(), 'Waited', "
              "'{}') RETURNING global_position");
    ASSERT_TRUE(becomes(replaced(question, "4711", position), "t")) << host_.log();
    ASSERT_EQ(value("SELECT events FROM event_types_counts WHERE type = 'Waited'"), std::to_string(event));
  }
  EXPECT_EQ(value(replaced(question, "4711", "1000")), "f");
  EXPECT_EQ(value(replaced(question, "'event_types'", "'none'")), "f");
}

} // namespace
} // namespace projector::test
