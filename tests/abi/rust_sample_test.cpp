#include "shipped_plugin.hpp"

#include <memory>
#include <string>
#include <vector>

namespace projector::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class RustSample : public testing::Test {
protected:
  projector_status handle(std::vector<projector_event> events, const std::vector<projector_setting>& settings = {}) {
    projector_config config{};
    config.settings = settings.data();
    config.n_settings = settings.size();
    object_ = std::make_unique<PluginObject>(library_.plugin(), host_, config);
    EXPECT_EQ(object_->created, PROJECTOR_OK);
    EventBatch batch(std::move(events));
    return object_->handle(batch);
  }

  Library library_{"rust_sample"};
  FakeHost host_;
  std::unique_ptr<PluginObject> object_;
};

TEST_F(RustSample, CountsByTypeInKeyOrder) {
  const Handled handled = handle_batch("rust_sample", {event_at(1, "b"), event_at(2, "a\"\\"), event_at(3, "b")});
  EXPECT_EQ(handled.status, PROJECTOR_OK) << handled.text;
  ASSERT_EQ(handled.statements.size(), 1u);
  EXPECT_THAT(handled.statements[0].sql, StartsWith("INSERT INTO sales_counts AS stored"));
  EXPECT_THAT(handled.statements[0].values,
              ElementsAre(RecordedValue{R"({"a\"\\","b"})", 0, false}, RecordedValue{"{1,2}", 0, false}));
}

TEST_F(RustSample, RejectsTheEventWhoseTextIsNotUtf8) {
  EXPECT_EQ(handle({event_at(1), event_at(2, "a\xFF")}), PROJECTOR_REJECT);
  EXPECT_EQ(object_->error.event_index(), 1u);
  EXPECT_THAT(object_->error.text(), StartsWith("the event type is no text: invalid utf-8"));
  EXPECT_TRUE(host_.statements.empty());
}

TEST_F(RustSample, CountsAPayloadOfAnyBytesUnlessItIsToBeText) {
  const std::vector<projector_event> events{event_at(1), event_at(2, "Happened", "\xC3")};
  EXPECT_EQ(handle(events), PROJECTOR_OK);
  EXPECT_EQ(handle(events, {{"text_only", "true"}}), PROJECTOR_REJECT);
  EXPECT_EQ(object_->error.event_index(), 1u);
  EXPECT_THAT(object_->error.text(), StartsWith("the payload is no text: "));
}

TEST_F(RustSample, CountsByLabelAndRetriesWhereOneIsMissing) {
  host_.rows.cells = {{"a", "first"}, {"b", "others"}, {"c", "others"}};
  EXPECT_EQ(handle({event_at(1, "b"), event_at(2, "c"), event_at(3, "a")}, {{"labels_table", "my \"labels\""}}),
            PROJECTOR_OK);
  ASSERT_EQ(host_.statements.size(), 2u);
  EXPECT_TRUE(host_.statements[0].is_query);
  EXPECT_THAT(host_.statements[0].sql, HasSubstr("FROM \"my \"\"labels\"\"\" WHERE"));
  EXPECT_THAT(host_.statements[0].values, ElementsAre(RecordedValue{R"({"a","b","c"})", 0, false}));
  EXPECT_THAT(host_.statements[1].values,
              ElementsAre(RecordedValue{R"({"first","others"})", 0, false}, RecordedValue{"{1,2}", 0, false}));
  EXPECT_EQ(host_.rows_freed, 1);

  EXPECT_EQ(handle({event_at(1, "a"), event_at(2, "d")}, {{"labels_table", "labels"}}), PROJECTOR_RETRY);
  EXPECT_EQ(object_->error.text(), "d has no label in the table labels yet");
  EXPECT_EQ(host_.statements.size(), 3u);
  EXPECT_EQ(host_.rows_freed, 2);
}

TEST_F(RustSample, GivesTheHostsVerdictBackUnchanged) {
  host_.verdicts = {{PROJECTOR_REJECT, 1, "the query failed"}};
  EXPECT_EQ(handle({event_at(1), event_at(2)}, {{"labels_table", "labels"}}), PROJECTOR_REJECT);
  EXPECT_EQ(object_->error.text(), "the query failed");
  EXPECT_EQ(object_->error.event_index(), 1u);
  EXPECT_EQ(host_.statements.size(), 1u);
  host_.verdicts = {{PROJECTOR_RETRY, PROJECTOR_NO_EVENT, "the queue is lost"}};
  EXPECT_EQ(handle({event_at(1)}), PROJECTOR_RETRY);
  EXPECT_EQ(object_->error.text(), "the queue is lost");
}

} // namespace
} // namespace projector::test
