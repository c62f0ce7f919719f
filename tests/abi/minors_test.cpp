#include "shipped_plugin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace projector::test {
namespace {

using testing::ElementsAre;

/// A batch that is handed to a plugin of one minor version by a host of another one.
class Minors : public testing::Test {
protected:
  Minors() {
    std::string path = testing::TempDir() + "minors_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      throw std::runtime_error("cannot make a directory in " + testing::TempDir());
    }
    directory_ = path;
  }
  ~Minors() override { std::filesystem::remove_all(directory_); }

  projector_status handle(const std::string& plugin, EventBatch& batch) { return handle(Library(plugin), batch); }
  projector_status handle(const Library& library, EventBatch& batch) {
    const std::array<projector_setting, 2> settings{{{"currency", ""}, {"default_currency", "EUR"}}};
    projector_config config{};
    config.settings = settings.data();
    config.n_settings = settings.size();
    config.state_directory = directory_.c_str();
    PluginObject object(library.plugin(), host_, config);
    EXPECT_EQ(object.created, PROJECTOR_OK) << object.error.text();
    return object.handle(batch);
  }
  static std::vector<projector_event> orders() {
    return {event_at(1, "OrderPlaced", R"({"amount":1})"), event_at(2, "OrderPlaced", R"({"amount":2})")};
  }

  FakeHost host_;
  std::filesystem::path directory_;
};

TEST_F(Minors, APluginOfMinorZeroRunsInThisHost) {
  EventBatch batch({event_at(1), event_at(2)});
  EXPECT_EQ(handle(Library("minor_0", OLD_PLUGIN_DIRECTORY), batch), PROJECTOR_OK);
  ASSERT_EQ(host_.statements.size(), 2u);
  EXPECT_EQ(host_.statements[1].event_index, 1u);
  EXPECT_THAT(host_.statements[1].values, ElementsAre(RecordedValue{"a-1", 0, false}));
  EXPECT_EQ(batch.current, EventBatch::kUntouched);
}

class ShippedInMinors : public Minors, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(All, ShippedInMinors,
                         testing::Values("user_counter", "revenue", "activity_log", "external_sample"));
#ifdef WITH_RUST
INSTANTIATE_TEST_SUITE_P(Rust, ShippedInMinors, testing::Values("rust_sample"));
#endif

TEST_P(ShippedInMinors, RunInAHostOfMinorZero) {
  EventBatch batch(orders());
  batch.cut_to_minor_0();
  EXPECT_EQ(handle(GetParam(), batch), PROJECTOR_OK);
}

TEST_P(ShippedInMinors, RunInAHostThatDoesNotAskForTheEventAtHand) {
  EventBatch batch(orders());
  batch.get()->current = nullptr;
  EXPECT_EQ(handle(GetParam(), batch), PROJECTOR_OK);
}

TEST_P(ShippedInMinors, NameNoEventOnceTheyHaveSeenAll) {
  EventBatch batch(orders());
  EXPECT_EQ(handle(GetParam(), batch), PROJECTOR_OK);
  const bool looks_at_events = std::string(GetParam()) != "user_counter";
  EXPECT_EQ(batch.current, looks_at_events ? PROJECTOR_NO_EVENT : EventBatch::kUntouched);
}

TEST_F(Minors, TheEventAtHandIsNamed) {
  EventBatch unpaid({event_at(1, "OrderPlaced", R"({"amount":1})"), event_at(2), event_at(3)});
  EXPECT_EQ(handle("revenue", unpaid), PROJECTOR_REJECT);
  EXPECT_EQ(unpaid.current, 1u);
#ifdef WITH_RUST
  EventBatch odd({event_at(1), event_at(2, "a\xFF"), event_at(3)});
  EXPECT_EQ(handle("rust_sample", odd), PROJECTOR_REJECT);
  EXPECT_EQ(odd.current, 1u);
#endif
}

} // namespace
} // namespace projector::test
