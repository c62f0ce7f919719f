#include "adopt_test.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::HasSubstr;

/// A projection that has run, whose host's tables lack columns that a later version added.
class TablesOfAnEarlierVersion : public AdoptCommand {
protected:
  TablesOfAnEarlierVersion() {
    add_events(20);
    run_host();
    for (const char* column :
         {"projector_projections DROP COLUMN autostarted", "projector_projections DROP COLUMN table_schema",
          "projector_stores DROP COLUMN marks"}) {
      value(fmt::format("ALTER TABLE {}", column));
    }
  }
  /// Rows of the read model, and events among them.
  [[nodiscard]] std::string handled() const {
    return value("SELECT count(*) || ' ' || count(DISTINCT global_position) FROM things_seen");
  }
};

TEST_F(TablesOfAnEarlierVersion, CheckNamesWhatTheyLackAndAStartAddsIt) {
  const auto run = ctl({"check", "--connect"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("the host's tables lack projector_projections.autostarted, "
                                    "projector_projections.table_schema, projector_stores.marks, which the next start "
                                    "adds"));
  run_host();
  const auto after = ctl({"check", "--connect"});
  EXPECT_EQ(after.code, 0) << after.output;
  EXPECT_EQ(after.output.find("lack"), std::string::npos) << after.output;
}

TEST_F(TablesOfAnEarlierVersion, ARebuildIsRequestedInThem) {
  const auto run = ctl({"rebuild", "things"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(value("SELECT rebuild_requested > 0 FROM projector_projections"), "t");
  run_host();
  EXPECT_EQ(value("SELECT epoch FROM projector_projections"), "2");
  EXPECT_EQ(handled(), "20 20");
}

TEST_F(TablesOfAnEarlierVersion, TheyAreRepartitioned) {
  const auto run = ctl({"repartition", "things", "--to", "2"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(value("SELECT partitions FROM projector_projections"), "2");
  configure(2);
  run_host();
  EXPECT_EQ(handled(), "20 20");
}

TEST_F(TablesOfAnEarlierVersion, AProjectionIsForgottenInThem) {
  host_.write_projection_file("things", "[projection.others]\nplugin = \"recorder\"\n");
  const auto run = ctl({"forget", "things"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(value("SELECT count(*) FROM projector_checkpoints"), "0");
}

} // namespace
} // namespace projector::control
