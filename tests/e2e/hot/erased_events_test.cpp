#include "hot_test.hpp"

#include "support/host_process.hpp"

namespace projector::test {
namespace {

/// Events that were erased or corrected in the store while the host runs, with their old form still in its memory.
class ErasedEvents : public HotTest {
protected:
  void SetUp() override {
    append(500);
    host_.install_plugin("recorder");
    host_.write_projection_file("first", "[projection.recorder]\n");
    host_.start();
    ASSERT_TRUE(is_live("recorder", 1)) << everything();
    ASSERT_EQ(difference("recorder"), 0);
    value("DELETE FROM events WHERE global_position % 2 = 0");
  }
};

TEST_F(ErasedEvents, DoNotComeBackWithARebuild) {
  const auto asked = run_program(
      {PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host_.configuration_file().string(), "rebuild", "recorder"});
  ASSERT_EQ(asked.code, 0) << asked.output;
  ASSERT_TRUE(is_live("recorder", 2)) << everything();
  EXPECT_EQ(difference("recorder"), 0) << everything();
  EXPECT_EQ(value("SELECT count(*) FROM recorder_seen"), "250");
}

TEST_F(ErasedEvents, DoNotComeBackWithANewProjection) {
  host_.write_projection_file("second", "[projection.second]\nplugin = \"recorder\"\n");
  ASSERT_TRUE(is_live("second", 1)) << everything();
  EXPECT_EQ(value("SELECT count(*) FROM second_seen"), "250") << everything();
}

} // namespace
} // namespace projector::test
