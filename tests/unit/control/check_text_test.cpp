#include "control/check_text.hpp"

#include <gtest/gtest.h>

namespace projector::control {
namespace {

CheckedProjection projection(const std::string& name, CheckedProjection::State state) {
  CheckedProjection checked;
  checked.name = checked.plugin = checked.checkpoint = name;
  checked.state = state;
  return checked;
}

CheckReport sound_report() {
  CheckReport report;
  report.loaded.configuration.emplace();
  auto good = projection("revenue", CheckedProjection::State::Good);
  good.file = "/plugins/revenue.so";
  good.version = "1.2.0";
  good.partitions = 4;
  report.projections = {good, projection("x", CheckedProjection::State::Missing)};
  return report;
}

TEST(CheckText, ListsEveryProjection) {
  const auto report = sound_report();
  EXPECT_EQ(check_text(report),
            "PROJECTION  STATE    PARTITIONS  CHECKPOINT              PLUGIN\n"
            "revenue     good     4           revenue_p0..revenue_p3  /plugins/revenue.so, version 1.2.0\n"
            "x           missing  1           x                       missing: no plugin directory "
            "holds x.so\n"
            "the databases were not checked: \"check --connect\" checks there what a start would\n");
  EXPECT_EQ(exit_code(report), 1) << "one is missing";
}

TEST(CheckText, FindingsFollowTheList) {
  auto report = sound_report();
  report.loaded.configuration->worker = config::WorkerShare{1, 4};
  report.projections.resize(1);
  report.projections[0].state = CheckedProjection::State::Refused;
  report.projections[0].problems = {"a.toml:3:5: no"};
  report.problems = {"plugin directory /p: Permission denied"};
  report.notes = {"/q/revenue.so is shadowed by /plugins/revenue.so: it is not used"};
  report.databases = DatabaseCheck{{"event store: fine"}, {"the read model cannot be queried: no"}};
  EXPECT_EQ(check_text(report),
            "this host is worker 1 of 4\n"
            "PROJECTION  STATE    PARTITIONS  CHECKPOINT              PLUGIN\n"
            "revenue     refused  4           revenue_p0..revenue_p3  /plugins/revenue.so, version 1.2.0\n"
            "revenue: refused: a.toml:3:5: no\n"
            "problem: plugin directory /p: Permission denied\n"
            "note: /q/revenue.so is shadowed by /plugins/revenue.so: it is not used\n"
            "event store: fine\n"
            "problem: the read model cannot be queried: no\n");
}

TEST(CheckText, NothingConfiguredIsSaid) {
  CheckReport report;
  report.loaded.configuration.emplace();
  EXPECT_EQ(check_text(report),
            "no projection is configured, and no plugin starts by itself\n"
            "the databases were not checked: \"check --connect\" checks there what a start would\n");
  EXPECT_EQ(exit_code(report), 0);
}

TEST(CheckText, ConfigurationProblemsNameTheirPlaces) {
  CheckReport report;
  report.loaded.main_problems = {{{"main.toml", 2, 7}, "found a number"}};
  report.loaded.refused = {{"a.toml", {{{"a.toml", 1, 4}, "unknown key"}}, {"a"}, {}}};
  report.loaded.warnings = {{{"PROJECTORD_DSN", 0, 0}, "wins"}};
  EXPECT_EQ(configuration_problems(report.loaded),
            "main.toml:2:7: found a number\n"
            "a.toml:1:4: unknown key (this file is refused, the others are used)\n"
            "warning: PROJECTORD_DSN: wins\n");
  EXPECT_EQ(check_text(report), "");
  EXPECT_EQ(exit_code(report), 2);
}

TEST(CheckText, ExitCodes) {
  auto report = sound_report();
  report.projections.pop_back();
  report.notes = {"a note is no finding"};
  report.databases = DatabaseCheck{{"fine"}, {}};
  EXPECT_EQ(exit_code(report), 0);
  report.databases->problems = {"unreachable"};
  EXPECT_EQ(exit_code(report), 1);
  report.databases.reset();
  report.problems = {"unreadable"};
  EXPECT_EQ(exit_code(report), 1);
  report.problems.clear();
  report.projections[0].problems = {"refused"};
  EXPECT_EQ(exit_code(report), 1);
  report.loaded.refused = {{"a.toml", {{{"a.toml", 1, 0}, "unknown key"}}, {}, {}}};
  EXPECT_EQ(exit_code(report), 2);
}

} // namespace
} // namespace projector::control
