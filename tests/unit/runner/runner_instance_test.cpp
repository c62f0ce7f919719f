#include "plugin/runner_instance.hpp"

#include "eventlog/region.hpp"
#include "support/wait.hpp"
#include "unit/plugin/fake_statement_sink.hpp"
#include "unit/plugin/plugin_files.hpp"
#include "unit/runner/load.hpp"

#include <gmock/gmock.h>
#include <signal.h> // NOLINT(modernize-deprecated-headers): kill
#include <sys/resource.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace projector::plugin {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

/// Instances in processes of their own, with events that lie in shared memory at the positions 101, 102, ..
class RunnerInstanceTest : public test::PluginFiles {
protected:
  using Values = std::map<std::string, std::string>;

  std::unique_ptr<RunnerInstance> start(const std::string& plugin) {
    RunnerOptions options;
    options.file = staged(plugin);
    options.name = plugin + " 3/4";
    options.sandbox = std::string_view(PROJECTOR_TEST_SANITIZE).empty();
    options.handle_timeout = handle_timeout_;
    options.readable = readable_;
    options.state_directory = state_directory_;
    options.memory_max = memory_max_;
    options.log = [this](std::int32_t /*level*/, std::string_view text) {
      const std::lock_guard lock(mutex_);
      lines_ += std::string(text) + "\n";
    };
    return std::make_unique<RunnerInstance>(host_, std::move(options));
  }
  static Outcome create(RunnerInstance& instance, const Values& values) {
    RunnerInstance::Object object{.projection_name = "sales", .partition_key = 2, .total_partitions = 4};
    std::vector<Settings::Entry> entries;
    for (const auto& [key, value] : values) {
      entries.push_back({key, value});
    }
    object.settings = Settings(std::move(entries));
    return instance.create(object);
  }
  std::unique_ptr<RunnerInstance> good(const std::string& plugin, const Values& values = {}) {
    auto instance = start(plugin);
    const auto outcome = create(*instance, values);
    EXPECT_TRUE(outcome.ok()) << outcome.text << lines();
    return instance;
  }
  std::unique_ptr<RunnerInstance> dying(const std::string& where, const std::string& how, int position = 0) {
    return good("dies", {{"where", where}, {"how", how}, {"position", std::to_string(position)}});
  }
  Outcome handle(RunnerInstance& instance, std::size_t n_events) {
    auto* const events = reinterpret_cast<projector_event*>(block_.data());
    std::vector<const projector_event*> pointers;
    for (std::size_t index = 0; index < n_events; ++index) {
      auto* event = new (events + index) projector_event{};
      event->struct_size = sizeof *event;
      event->global_position = static_cast<std::int64_t>(101 + index);
      pointers.push_back(event);
    }
    projector_batch batch = {};
    batch.struct_size = sizeof batch;
    batch.attempt = 1;
    batch.events = pointers.data();
    batch.n_events = n_events;
    return instance.handle(&sink_, batch);
  }
  std::string lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  base::Duration handle_timeout_ = std::chrono::minutes(1);
  std::uint64_t memory_max_ = 0;
  std::vector<std::string> readable_;
  std::string state_directory_;
  test::FakeStatementSink sink_;

private:
  std::mutex mutex_; ///< guards lines_
  std::string lines_;
  std::shared_ptr<eventlog::Region> region_ = eventlog::Region::create(1u << 20);
  eventlog::Region::Block block_ = region_->allocate(64u << 10);

protected:
  const RunnerHost host_{.events = std::make_shared<const SharedEvents>(
                             SharedEvents{region_->open_for_reading(), region_->address(), region_->capacity()})};
};

TEST_F(RunnerInstanceTest, EventsAreReadWhereTheHostHasThem) {
  const auto instance = good("recorder");
  EXPECT_TRUE(instance->setup(sink_).ok());
  EXPECT_TRUE(handle(*instance, 3).ok());
  instance->finished(true);
  ASSERT_EQ(sink_.taken.size(), 4u);
  EXPECT_EQ(sink_.taken[3].params, (std::vector<std::string>{"sales", "2", "103"}));
  EXPECT_TRUE(instance->reset(sink_).ok());
  EXPECT_FALSE(instance->ended());
}

TEST_F(RunnerInstanceTest, FactsAreJudgedByTheHost) {
  const auto described = start("many_settings")->describe();
  ASSERT_TRUE(described.facts) << described.refusal;
  EXPECT_EQ(described.facts, runner::load(staged("many_settings")).facts());
  EXPECT_THAT(start("bad_name")->describe().refusal, HasSubstr("bad_name.so has a bad descriptor: "));
  EXPECT_THAT(start("needs_missing_symbol")->describe().refusal, HasSubstr("cannot be loaded: "));
}

TEST_F(RunnerInstanceTest, AFileThatEndsItsLoaderCostsOneProcess) {
  EXPECT_THAT(start("exits_on_load")->describe().refusal, HasSubstr("ended in loading the plugin with exit code "));
  EXPECT_THAT(start("crashes_on_load")->describe().refusal, HasSubstr("ended in loading the plugin with signal "));
}

TEST_F(RunnerInstanceTest, ACrashIsToldWithItsPlace) {
  const auto instance = dying("handle", "segv", 102);
  const auto outcome = handle(*instance, 3);
  EXPECT_EQ(outcome.status, PROJECTOR_FATAL);
  EXPECT_THAT(outcome.text, StartsWith("its process ended in handle with signal 11 (Segmentation fault)"));
  if (std::string_view(PROJECTOR_TEST_SANITIZE).empty()) {
    EXPECT_THAT(outcome.text, HasSubstr(" at dies.so+0x"));
    EXPECT_THAT(outcome.text, HasSubstr(", address 0x8"));
  }
  EXPECT_TRUE(instance->ended());
  EXPECT_EQ(handle(*instance, 3).text, outcome.text) << "there is no process any more";
}

class WaysToDie : public RunnerInstanceTest, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(WaysToDie, InHandle) {
  const auto [how, text] = GetParam();
  const auto instance = dying("handle", how, 101);
  EXPECT_THAT(handle(*instance, 1).text, StartsWith(std::string("its process ended in handle with ") + text));
  // Another one is not touched.
  EXPECT_TRUE(handle(*dying("handle", how), 1).ok());
}

INSTANTIATE_TEST_SUITE_P(Each, WaysToDie,
                         testing::Values(std::pair{"segv", "signal 11"}, std::pair{"thread", "signal 11"},
                                         std::pair{"abort", "signal 6"}, std::pair{"exit", "exit code 0"},
                                         std::pair{"_exit", "exit code 3"}, std::pair{"kill", "signal 9"},
                                         std::pair{"stack", "signal 11"}, std::pair{"write_event", "signal 11"}),
                         [](const auto& way) {
                           return std::string(way.param.first[0] == '_' ? "at_once" : way.param.first);
                         });

TEST_F(RunnerInstanceTest, ACallThatNeverReturnsIsEnded) {
  handle_timeout_ = std::chrono::milliseconds(50);
  for (const auto* how : {"loop", "deadlock"}) {
    const auto instance = dying("handle", how, 101);
    EXPECT_EQ(handle(*instance, 1).text, "its process did not return from handle within 50ms, and was killed") << how;
  }
}

TEST_F(RunnerInstanceTest, EachCallMayBeTheLastOne) {
  const auto created = start("dies");
  EXPECT_THAT(create(*created, {{"where", "create"}, {"how", "abort"}}).text,
              StartsWith("its process ended in create with signal 6"));
  EXPECT_THAT(dying("setup", "exit")->setup(sink_).text, StartsWith("its process ended in setup with exit code 0"));
  EXPECT_THAT(dying("reset", "segv")->reset(sink_).text, StartsWith("its process ended in reset with signal 11"));
  const auto finished = dying("finished", "segv");
  EXPECT_TRUE(handle(*finished, 1).ok());
  finished->finished(true);
  EXPECT_THAT(handle(*finished, 1).text, StartsWith("its process ended in finished with signal 11"));
  EXPECT_FALSE(finished->ended_at_an_event());
  dying("destroy", "abort").reset();
  EXPECT_THAT(lines(), HasSubstr("ended in destroy with signal 6"));
}

TEST_F(RunnerInstanceTest, FinishedIsToldWithoutAnotherBatch) {
  const auto finished = dying("finished", "segv");
  finished->tell_finished();
  EXPECT_FALSE(finished->ended()) << "there was no batch";
  EXPECT_TRUE(handle(*finished, 1).ok());
  finished->finished(true);
  EXPECT_FALSE(finished->ended());
  finished->tell_finished();
  EXPECT_THAT(finished->ended().value_or(""), StartsWith("its process ended in finished with signal 11"));
}

TEST_F(RunnerInstanceTest, AnEndBetweenTwoCallsIsToldAsSuch) {
  const auto instance = good("recorder");
  ::kill(instance->pid(), SIGKILL);
  EXPECT_TRUE(projector::test::eventually([&] {
    instance->look();
    return instance->ended().has_value();
  }));
  EXPECT_EQ(handle(*instance, 1).text, "its process ended between two calls with signal 9 (Killed)");
  EXPECT_FALSE(instance->ended_at_an_event());
}

TEST_F(RunnerInstanceTest, WhatItUsesIsKnownAndAfterItsEndItsTime) {
  const auto instance = good("recorder");
  EXPECT_GT(instance->usage().private_bytes.value_or(0), 0u);
  ::kill(instance->pid(), SIGKILL);
  EXPECT_TRUE(projector::test::eventually([&] { return !instance->usage().private_bytes; }));
}

TEST_F(RunnerInstanceTest, APathThatCannotBeOpenedIsTheReason) {
  if (!std::string_view(PROJECTOR_TEST_SANITIZE).empty()) {
    GTEST_SKIP() << "needs no sanitizer";
  }
  readable_ = {"/no/such/directory"};
  const auto instance = start("recorder");
  EXPECT_THAT(create(*instance, {}).text, MatchesRegex("its process could not start: .*/no/such/directory.*No such "
                                                       "file or directory"));
}

TEST_F(RunnerInstanceTest, WithoutDescriptorsItGoesOn) {
  const auto instance = dying("handle", "descriptors", 101);
  EXPECT_TRUE(handle(*instance, 1).ok());
  EXPECT_TRUE(handle(*instance, 1).ok());
}

TEST_F(RunnerInstanceTest, MemoryHasALimit) {
  if (!std::string_view(PROJECTOR_TEST_SANITIZE).empty()) {
    GTEST_SKIP() << "needs no sanitizer"; // a sanitizer reserves more than any limit
  }
  memory_max_ = std::uint64_t{64} << 20;
  EXPECT_THAT(handle(*dying("handle", "memory", 101), 1).text, StartsWith("its process ended in handle with signal 6"));
}

TEST_F(RunnerInstanceTest, ACoreFileIsLeftInTheStateDirectory) {
  rlimit before{};
  ::getrlimit(RLIMIT_CORE, &before);
  const auto pattern = test::read_bytes("/proc/sys/kernel/core_pattern");
  if (!std::string_view(PROJECTOR_TEST_SANITIZE).empty() || before.rlim_max == 0 || pattern.find_first_of("|/") == 0) {
    GTEST_SKIP() << "needs no sanitizer, and core files by a relative name";
  }
  const rlimit cores{before.rlim_max, before.rlim_max};
  ::setrlimit(RLIMIT_CORE, &cores);
  state_directory_ = plugins().parent_path() / "state";
  std::filesystem::create_directory(state_directory_);
  const auto text = handle(*dying("handle", "segv", 101), 1).text;
  ::setrlimit(RLIMIT_CORE, &before);
  EXPECT_THAT(text, HasSubstr("core dumped"));
  EXPECT_FALSE(std::filesystem::is_empty(state_directory_));
}

TEST_F(RunnerInstanceTest, NoProcessIsLeftBehind) {
  auto instance = good("recorder");
  const pid_t pid = instance->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  instance.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

} // namespace
} // namespace projector::plugin
