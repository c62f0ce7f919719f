#include "supervisor/reconcile.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace projector::supervisor {

void PrintTo(const Action& action, std::ostream* out) {
  constexpr const char* kNames[] = {"Start", "Replace", "Stop", "Missing", "Forget"};
  *out << kNames[static_cast<int>(action.kind)] << ' ' << action.projection;
}

namespace {

using Kind = Action::Kind;
using Actions = std::vector<Action>;

config::Projection projection(const std::string& name, const std::string& plugin = {}) {
  config::Projection projection;
  projection.name = projection.checkpoint = name;
  projection.plugin = plugin.empty() ? name : plugin;
  return projection;
}

FoundPlugin found(const std::string& name, std::uint64_t inode = 1) {
  return {name, "/plugins/" + name + ".so", {1, inode, 1000, 1, 1}, false, {}};
}

DesiredProjection request(const config::Projection& projection, std::uint64_t inode = 1) {
  return {projection, found(projection.plugin, inode), {0}};
}

Desired wanted(const config::Projection& projection, std::uint64_t inode = 1) {
  return {{projection.name, request(projection, inode)}};
}

Desired wanted_without_file(const config::Projection& projection) {
  return {{projection.name, {projection, std::nullopt, {0}}}};
}

Desired rebuilt(Desired desired, std::int64_t number, std::int64_t epoch = 1) {
  for (auto& [name, wanted] : desired) {
    wanted.rebuild = {.epoch = epoch, .number = number};
  }
  return desired;
}

CurrentProjection running(const config::Projection& projection, std::uint64_t inode = 1) {
  return {request(projection, inode), projection.checkpoint, true, false, false};
}

/// The last request was refused, and the former generation goes on.
CurrentProjection runs_instead(const config::Projection& projection, DesiredProjection refused) {
  return {std::move(refused), projection.checkpoint, true, false, false};
}

CurrentProjection refused(const config::Projection& projection, std::uint64_t inode = 1) {
  return {request(projection, inode), "", false, false, false};
}

CurrentProjection missing(const config::Projection& projection) {
  return {{projection, std::nullopt, {0}}, "", false, false, false};
}

CurrentProjection stopping(CurrentProjection current) {
  current.stopping = true;
  current.running = false;
  return current;
}

struct Case {
  std::string name;
  Desired desired;
  Current current;
  Actions actions;
};

config::Projection larger(config::Projection projection) {
  projection.batch_size = 1000;
  return projection;
}

config::Projection with_checkpoint(config::Projection projection, const std::string& checkpoint) {
  projection.checkpoint = checkpoint;
  return projection;
}

std::vector<Case> cases() {
  const auto a = projection("a");
  CurrentProjection half_written = refused(a);
  half_written.retry = true;
  CurrentProjection half_written_beside = runs_instead(a, request(a, 2));
  half_written_beside.retry = true;
  CurrentProjection other_share = running(a);
  other_share.requested.partitions = {1};
  return {
      {"NothingAtAll", {}, {}, {}},
      {"New", wanted(a), {}, {{Kind::Start, "a"}}},
      {"NewWithoutFile", wanted_without_file(a), {}, {{Kind::Missing, "a"}}},
      {"Agreed", wanted(a), {{"a", running(a)}}, {}},
      {"FileChangedUnderARunningOne", wanted(a, 2), {{"a", running(a, 1)}}, {{Kind::Replace, "a"}}},
      {"RefusedFileIsNotTriedAgain", wanted(a, 2), {{"a", runs_instead(a, request(a, 2))}}, {}},
      {"HalfWrittenFileIsTriedAgain", wanted(a, 2), {{"a", half_written_beside}}, {{Kind::Replace, "a"}}},
      {"FileOfARefusedChangeIsPutBack", wanted(a), {{"a", runs_instead(a, request(a, 2))}}, {{Kind::Replace, "a"}}},
      {"AnotherShareOfThePartitions", wanted(a), {{"a", other_share}}, {{Kind::Replace, "a"}}},
      {"RebuildIsAskedFor", rebuilt(wanted(a), 1), {{"a", running(a)}}, {{Kind::Replace, "a"}}},
      {"RebuildWasServed", rebuilt(wanted(a), 1), {{"a", runs_instead(a, rebuilt(wanted(a), 1).at("a"))}}, {}},
      {"RebuildIsAskedForAgain",
       rebuilt(wanted(a), 2),
       {{"a", runs_instead(a, rebuilt(wanted(a), 1).at("a"))}},
       {{Kind::Replace, "a"}}},
      {"RebuildIsAskedForAgainAfterAReset",
       rebuilt(wanted(a), 1, 2),
       {{"a", runs_instead(a, rebuilt(wanted(a), 1).at("a"))}},
       {{Kind::Replace, "a"}}},
      {"RebuildIsDone", wanted(a), {{"a", runs_instead(a, rebuilt(wanted(a), 1).at("a"))}}, {}},
      {"FileGone", wanted_without_file(a), {{"a", running(a)}}, {{Kind::Stop, "a"}}},
      {"NotWantedAnyMore", {}, {{"a", running(a)}}, {{Kind::Stop, "a"}}},
      {"ConfigurationChanged", wanted(larger(a)), {{"a", running(a)}}, {{Kind::Replace, "a"}}},
      {"StoppingIsLeftAlone", {}, {{"a", stopping(running(a))}}, {}},
      {"StoppingIsNotStartedYet", wanted(a), {{"a", stopping(running(a))}}, {}},
      {"StoppingWithoutFile", wanted_without_file(a), {{"a", stopping(running(a))}}, {}},
      {"RefusedAndTheSame", wanted(a), {{"a", refused(a)}}, {}},
      {"RefusedAndFileChanged", wanted(a, 2), {{"a", refused(a, 1)}}, {{Kind::Start, "a"}}},
      {"RefusedAndConfigurationChanged", wanted(larger(a)), {{"a", refused(a)}}, {{Kind::Start, "a"}}},
      {"RefusedBecauseHalfWritten", wanted(a), {{"a", half_written}}, {{Kind::Start, "a"}}},
      {"RefusedAndFileGone", wanted_without_file(a), {{"a", refused(a)}}, {{Kind::Missing, "a"}}},
      {"RefusedAndNotWanted", {}, {{"a", refused(a)}}, {{Kind::Forget, "a"}}},
      {"MissingStill", wanted_without_file(a), {{"a", missing(a)}}, {}},
      {"MissingAndTheFileCame", wanted(a), {{"a", missing(a)}}, {{Kind::Start, "a"}}},
      {"MissingAndNotWanted", {}, {{"a", missing(a)}}, {{Kind::Forget, "a"}}},
      {"MissingUnderAnotherName",
       wanted_without_file(projection("a", "other")),
       {{"a", missing(a)}},
       {{Kind::Missing, "a"}}},
      {"RenamedWithItsCheckpointWaits",
       wanted(with_checkpoint(projection("b"), "a")),
       {{"a", running(a)}},
       {{Kind::Stop, "a"}}},
      {"RenamedWithItsCheckpointStillWaits",
       wanted(with_checkpoint(projection("b"), "a")),
       {{"a", stopping(running(a))}},
       {}},
      {"RenamedWithItsCheckpointStarts", wanted(with_checkpoint(projection("b"), "a")), {}, {{Kind::Start, "b"}}},
      {"RefusedOneTakesACheckpointOver",
       wanted(with_checkpoint(projection("b"), "a"), 2),
       {{"a", stopping(running(a))}, {"b", refused(with_checkpoint(projection("b"), "a"), 1)}},
       {}},
      {"LetsGoOfItsCheckpointFirst",
       {{"a", request(with_checkpoint(a, "other"))}, {"b", request(with_checkpoint(projection("b"), "a"))}},
       {{"a", running(a)}},
       {{Kind::Replace, "a"}}},
      {"OthersDoNotWait", wanted(projection("b")), {{"a", stopping(running(a))}}, {{Kind::Start, "b"}}},
      {"StopsComeBeforeStarts",
       wanted(projection("b")),
       {{"z", running(projection("z"))}},
       {{Kind::Stop, "z"}, {Kind::Start, "b"}}},
  };
}

class ReconcileTable : public ::testing::TestWithParam<Case> {};

TEST_P(ReconcileTable, GivesTheStepsInOrder) {
  EXPECT_EQ(reconcile(GetParam().desired, GetParam().current), GetParam().actions);
}

INSTANTIATE_TEST_SUITE_P(Reconcile, ReconcileTable, ::testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

class DesiredProjections : public ::testing::Test {
protected:
  void configure(const config::Projection& projection) { configuration_.projections[projection.name] = projection; }
  void put(const std::string& plugin, bool autostart) {
    auto file = found(plugin);
    file.autostart = autostart;
    discovery_.plugins[plugin] = file;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, wanted] : desired()) {
      names.push_back(name);
    }
    return names;
  }
  [[nodiscard]] Desired desired() const {
    return desired_projections(configuration_, discovery_, selection_, refused_);
  }

  config::Configuration configuration_;
  Discovery discovery_;
  Selection selection_;
  std::set<std::string> refused_;
};

using Names = std::vector<std::string>;

TEST_F(DesiredProjections, HaveTheirPluginWhereItIsThere) {
  configure(projection("revenue", "sums"));
  configure(projection("orders"));
  put("sums", false);
  const auto all = desired();
  ASSERT_EQ(names(), (Names{"orders", "revenue"}));
  EXPECT_FALSE(all.at("orders").plugin);
  EXPECT_EQ(all.at("revenue").plugin->file, "/plugins/sums.so");
  EXPECT_EQ(all.at("revenue").projection, configuration_.projections.at("revenue"));
}

TEST_F(DesiredProjections, TakeTheStoredPartitionCountWhereNoFileGivesOne) {
  configuration_.worker = config::WorkerShare{.id = 1, .total = 2};
  for (const bool given : {false, true}) {
    auto revenue = projection("revenue");
    revenue.partitions = 2;
    revenue.partitions_given = given;
    configure(revenue);
    const auto desired = desired_projections(configuration_, discovery_, selection_, refused_, {}, {{"revenue", 4}});
    EXPECT_EQ(desired.at("revenue").projection.partitions, given ? 2u : 4u);
    EXPECT_EQ(desired.at("revenue").partitions,
              given ? std::vector<std::uint32_t>{1} : (std::vector<std::uint32_t>{1, 3}));
  }
}

TEST_F(DesiredProjections, LeaveOutWhatIsDisabled) {
  auto off = projection("orders");
  off.enabled = false;
  configure(off);
  put("orders", true);
  EXPECT_EQ(names(), Names{}) << "and its plugin, which a table names, is not autostarted";
}

TEST_F(DesiredProjections, AutostartOnlyWhatNoTableNames) {
  put("lonely", true);
  put("named", true);
  put("sums", true);
  put("packaged", false);
  configure(projection("named"));
  configure(projection("revenue", "sums"));
  configuration_.defaults.batch_size = 77;
  EXPECT_EQ(names(), (Names{"lonely", "named", "revenue"}));
  const auto all = desired();
  EXPECT_EQ(all.at("lonely").projection.name, "lonely");
  EXPECT_EQ(all.at("lonely").projection.plugin, "lonely");
  EXPECT_EQ(all.at("lonely").projection.checkpoint, "lonely");
  EXPECT_EQ(all.at("lonely").projection.batch_size, 77u);
}

TEST_F(DesiredProjections, DoNotAutostartWhatARefusedFileNames) {
  put("orders", true);
  refused_ = {"orders"};
  EXPECT_EQ(names(), Names{});
}

TEST_F(DesiredProjections, CarryTheRequestForTheirCheckpoint) {
  configure(with_checkpoint(projection("a"), "c"));
  configure(projection("b"));
  const auto all =
      desired_projections(configuration_, discovery_, selection_, refused_, {{"c", {1, 3}}, {"a", {1, 4}}});
  EXPECT_EQ(all.at("a").rebuild, (projection::RebuildRequest{.epoch = 1, .number = 3}));
  EXPECT_EQ(all.at("b").rebuild, std::nullopt);
}

TEST_F(DesiredProjections, SelectionPicks) {
  for (const char* name : {"a", "b", "c"}) {
    configure(projection(name));
  }
  put("d", true);
  EXPECT_EQ(names(), (Names{"a", "b", "c", "d"}));
  selection_.only = {"a", "c", "d"};
  EXPECT_EQ(names(), (Names{"a", "c", "d"}));
  selection_.except = {"c", "d"};
  EXPECT_EQ(names(), (Names{"a"}));
  selection_.only.clear();
  EXPECT_EQ(names(), (Names{"a", "b"}));
  selection_.only = {"absent"};
  EXPECT_EQ(names(), Names{});
}

projection::NamedProjection stored(const std::string& name, const std::string& plugin, std::optional<bool> autostarted,
                                   const std::string& schema = "public") {
  return {.projection = name, .plugin = plugin, .checkpoint = name, .schema = schema, .autostarted = autostarted};
}

TEST_F(DesiredProjections, DoNotAutostartWhatATableHasNamed) {
  for (const char* name : {"by_row", "by_name", "own", "unknown", "other_checkpoint", "by_process"}) {
    put(name, true);
  }
  auto moved = stored("moved", "x", false);
  moved.checkpoint = "other_checkpoint";
  NamedPlugins named({.all = {stored("sums", "by_row", false), stored("by_name", "by_name", false),
                              stored("own", "own", true), stored("unknown", "unknown", std::nullopt), moved},
                      .default_schema = "public"});
  auto before = configuration_;
  before.projections.emplace("sales", projection("sales", "by_process"));
  named.remember(before);
  Names found;
  for (const auto& [name, wanted] : desired_projections(configuration_, discovery_, {}, {}, {}, {}, named)) {
    found.push_back(name);
  }
  EXPECT_EQ(found, (Names{"own", "unknown"}));
  const auto notes = not_autostarted(configuration_, discovery_, named);
  EXPECT_EQ(notes.size(), 4u);
  EXPECT_EQ(notes.front(),
            "/plugins/by_name.so does not start with default values: the checkpoint by_name was last "
            "opened by [projection.by_name] on plugin by_name, which is in no configuration file now. Put "
            "that file back, or add a table [projection.by_name] to run the plugin under its own name");
}

TEST_F(DesiredProjections, ATableOfAnotherNameIsSaidToEndThePluginsOwnProjection) {
  put("sums", true);
  put("both", true);
  put("packaged", false);
  auto revenue = projection("revenue", "sums");
  revenue.where = {"r.toml", 3, 1};
  configure(revenue);
  configure(projection("both"));
  configure(projection("second", "both"));
  configure(projection("third", "packaged"));
  EXPECT_EQ(not_autostarted(configuration_, discovery_, {}),
            Names{"/plugins/sums.so does not start as a projection sums of its own: [projection.revenue] at r.toml:3:1 "
                  "names the plugin; to run both, add a table [projection.sums]"});
}

TEST_F(DesiredProjections, OfSeveralOnOnePluginInOneSchemaOneGoesFirst) {
  put("sums", false);
  auto apart = projection("a_apart", "sums");
  apart.schema = "apart";
  auto named_default = projection("d", "sums");
  named_default.schema = "public";
  for (const auto& one : {projection("b", "sums"), projection("c", "sums"), named_default, apart}) {
    configure(one);
  }
  const auto behind = [&](const TableOwners& owners) {
    std::map<std::string, std::string> all;
    for (const auto& [name, wanted] : desired_projections(configuration_, discovery_, {}, {}, {}, {}, {}, owners)) {
      all.emplace(name, wanted.behind);
    }
    return all;
  };
  using Behind = std::map<std::string, std::string>;
  EXPECT_EQ(behind(TableOwners({.all = {}, .default_schema = "public"})),
            (Behind{{"a_apart", ""}, {"b", ""}, {"c", "b"}, {"d", "b"}}));
  TableOwners owners({.all = {stored("d", "sums", false), stored("c", "sums", false)}, .default_schema = "public"});
  EXPECT_EQ(behind(owners), (Behind{{"a_apart", ""}, {"b", "d"}, {"c", "d"}, {"d", ""}}));
  owners.started(projection("b", "sums"));
  EXPECT_EQ(behind(owners), (Behind{{"a_apart", ""}, {"b", "d"}, {"c", "d"}, {"d", ""}}));
  auto moved = named_default;
  moved.schema = "elsewhere";
  owners.started(moved);
  EXPECT_EQ(behind(owners), (Behind{{"a_apart", ""}, {"b", "c"}, {"c", ""}, {"d", "c"}}))
      << "it has no tables here any more";
}

struct ShareCase {
  std::optional<config::WorkerShare> worker;
  std::uint32_t partitions;
  std::vector<std::uint32_t> share;
};

TEST_F(DesiredProjections, ShareIsThePartitionsOfTheWorkersId) {
  const std::vector<ShareCase> table{
      {std::nullopt, 1, {0}},
      {std::nullopt, 4, {0, 1, 2, 3}},
      {config::WorkerShare{0, 1}, 3, {0, 1, 2}},
      {config::WorkerShare{0, 4}, 4, {0}},
      {config::WorkerShare{3, 4}, 4, {3}},
      {config::WorkerShare{0, 4}, 1, {0}},
      {config::WorkerShare{1, 4}, 1, {}},
      {config::WorkerShare{1, 2}, 5, {1, 3}},
      {config::WorkerShare{0, 2}, 5, {0, 2, 4}},
      {config::WorkerShare{2, 3}, 12, {2, 5, 8, 11}},
  };
  for (const auto& one : table) {
    configuration_.worker = one.worker;
    auto partitioned = projection("p");
    partitioned.partitions = one.partitions;
    configure(partitioned);
    EXPECT_EQ(desired().at("p").partitions, one.share) << one.partitions;
  }
}

TEST_F(DesiredProjections, SharesOfAllWorkersAreAllPartitionsOnce) {
  for (std::uint32_t total = 1; total <= 6; ++total) {
    for (std::uint32_t partitions = 1; partitions <= 13; ++partitions) {
      auto partitioned = projection("p");
      partitioned.partitions = partitions;
      configure(partitioned);
      std::multiset<std::uint32_t> all;
      for (std::uint32_t id = 0; id < total; ++id) {
        configuration_.worker = config::WorkerShare{id, total};
        const auto share = desired().at("p").partitions;
        all.insert(share.begin(), share.end());
      }
      ASSERT_EQ(all.size(), partitions);
      ASSERT_EQ(std::set<std::uint32_t>(all.begin(), all.end()).size(), partitions);
    }
  }
}

} // namespace
} // namespace projector::supervisor
