#include "runner/instance.hpp"

#include "base/stop.hpp"
#include "unit/plugin/fake_statement_sink.hpp"
#include "unit/plugin/plugin_files.hpp"
#include "unit/runner/load.hpp"

#include <deque>
#include <map>

namespace projector::runner {
namespace {

using plugin::Outcome;
using plugin::Settings;
using plugin::Verdict;
using plugin::test::FakeStatementSink;
using Taken = FakeStatementSink::Taken;

/// Events at positions 101, 102, ..
struct Batch {
  explicit Batch(std::size_t n) : events(n), pointers(n) {
    for (std::size_t i = 0; i < n; ++i) {
      events[i].struct_size = sizeof(projector_event);
      events[i].global_position = static_cast<std::int64_t>(101 + i);
      events[i].event_type = {i % 2 == 0 ? "Even" : "Odd", i % 2 == 0 ? 4U : 3U};
      pointers[i] = &events[i];
    }
    batch.struct_size = sizeof batch;
    batch.attempt = 1;
    batch.events = pointers.data();
    batch.n_events = n;
  }
  std::vector<projector_event> events;
  std::vector<const projector_event*> pointers;
  projector_batch batch = {};
};

class InstanceTest : public plugin::test::PluginFiles {
protected:
  using Options = std::map<std::string, std::string>;

  Instance::Created create(const std::string& plugin, const Options& settings = {}) {
    InstanceOptions options;
    options.projection_name = "sales";
    options.partition_key = 2;
    options.total_partitions = 4;
    std::vector<Settings::Entry> entries;
    for (const auto& [key, value] : settings) {
      entries.push_back({key, value});
    }
    options.settings = Settings(std::move(entries));
    options.state_directory = state_directory_;
    options.log = [this](std::int32_t level, const std::string& text) { logged_.emplace_back(level, text); };
    modules_.push_back(load(staged(plugin)));
    return Instance::create(modules_.back(), std::move(options), [this] { return stop_.requested(); });
  }
  std::unique_ptr<Instance> good(const std::string& plugin, const Options& settings = {}) {
    Instance::Created created = create(plugin, settings);
    EXPECT_TRUE(created.outcome.ok()) << created.outcome.text;
    return std::move(created.instance);
  }

  std::deque<Module> modules_;
  FakeStatementSink sink_;
  base::Stop stop_;
  std::string state_directory_;
  std::vector<std::pair<std::int32_t, std::string>> logged_;
};

void expect_outcome(const Outcome& outcome, projector_status status, const std::string& text,
                    std::uint32_t event_index = PROJECTOR_NO_EVENT) {
  EXPECT_EQ(outcome.status, status);
  EXPECT_EQ(outcome.text, text);
  EXPECT_EQ(outcome.event_index, event_index);
}

TEST_F(InstanceTest, StatementsReachTheTransaction) {
  const auto recorder = good("recorder");
  EXPECT_TRUE(recorder->setup(sink_).ok());
  EXPECT_TRUE(recorder->handle(&sink_, Batch(2).batch).ok());
  EXPECT_TRUE(recorder->reset(sink_).ok());
  const std::string insert = "INSERT INTO sales_seen (projection, partition, global_position) VALUES ($1, $2, $3)";
  EXPECT_EQ(sink_.taken, (std::vector<Taken>{
                             {PROJECTOR_NO_EVENT,
                              PROJECTOR_SQL_ONCE,
                              "CREATE TABLE IF NOT EXISTS sales_seen (projection text NOT NULL, partition integer NOT "
                              "NULL, global_position bigint PRIMARY KEY)",
                              {}},
                             {0, 0, insert, {"sales", "2", "101"}},
                             {1, 0, insert, {"sales", "2", "102"}},
                             {PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE, "DELETE FROM sales_seen", {}}}));
}

TEST_F(InstanceTest, CreateThatFailsSaysWhy) {
  const Instance::Created created = create("create_fails");
  EXPECT_EQ(created.instance, nullptr);
  expect_outcome(created.outcome, PROJECTOR_FATAL, "no route to the moon \xEF\xBF\xBD");
}

TEST_F(InstanceTest, CreateThatThrows) {
  const Instance::Created created = create("create_throws");
  EXPECT_EQ(created.instance, nullptr);
  expect_outcome(created.outcome, PROJECTOR_FATAL, "create threw an exception through the ABI: thrown by create");
}

TEST_F(InstanceTest, HandleThatThrows) {
  const auto instance = good("handle_throws");
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL,
                 "handle threw an exception through the ABI: thrown by handle");
  instance->finished(true);
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL,
                 "handle threw an exception through the ABI: not a std::exception");
}

TEST_F(InstanceTest, FinishedThatThrowsEndsTheInstance) {
  const auto instance = good("handle_throws");
  instance->handle(&sink_, Batch(1).batch);
  instance->finished(false);
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL,
                 "finished threw an exception through the ABI: thrown by finished");
}

TEST_F(InstanceTest, SetupThatFails) {
  expect_outcome(good("setup_fails")->setup(sink_), PROJECTOR_FATAL, "the tables cannot be made");
}

TEST_F(InstanceTest, WithoutSetupAndReset) {
  const auto instance = good("leaks_rows");
  EXPECT_TRUE(instance->setup(sink_).ok());
  expect_outcome(instance->reset(sink_), PROJECTOR_FATAL, "the plugin has no reset: its read model cannot be rebuilt");
}

TEST_F(InstanceTest, AnUnknownStatusIsFatal) {
  expect_outcome(good("unknown_status")->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL,
                 "handle returned the unknown status 42: what is this");
}

TEST_F(InstanceTest, RejectNamesItsEvent) {
  const auto by_position = good("rejects", {{"position", "103"}, {"tell", "true"}});
  expect_outcome(by_position->handle(&sink_, Batch(4).batch), PROJECTOR_REJECT, "rejected position 103", 2);
  EXPECT_TRUE(by_position->handle(&sink_, Batch(2).batch).ok());
  const auto by_type = good("rejects", {{"event_type", "Odd"}, {"tell", "true"}});
  expect_outcome(by_type->handle(&sink_, Batch(4).batch), PROJECTOR_REJECT, "rejected position 102", 1);
  const auto silent = good("rejects", {{"position", "103"}, {"tell", "false"}});
  expect_outcome(silent->handle(&sink_, Batch(4).batch), PROJECTOR_REJECT, "rejected one of them");
}

TEST_F(InstanceTest, AnEventIndexBeyondTheBatchIsNone) {
  state_directory_ = plugins().string();
  const auto instance = good("external", {{"retry_after", "102"}});
  // Two of three are done; then, in a new instance, two of two, and there is no third event.
  expect_outcome(instance->handle(nullptr, Batch(3).batch), PROJECTOR_RETRY, "the other side hung up", 2);
  const auto again = good("external", {{"retry_after", "102"}});
  expect_outcome(again->handle(nullptr, Batch(2).batch), PROJECTOR_RETRY, "the other side hung up");
  EXPECT_EQ(plugin::test::read_bytes(plugins() / "events"), "2 101\n2 102\n2 101\n2 102\n");
}

TEST_F(InstanceTest, WithoutAStateDirectoryThereIsNone) {
  expect_outcome(good("external")->handle(nullptr, Batch(1).batch), PROJECTOR_FATAL, "needs a state directory");
}

TEST_F(InstanceTest, RetryAndFatal) {
  const auto retries = good("retries", {{"times", "2"}, {"position", "102"}});
  EXPECT_TRUE(retries->handle(&sink_, Batch(1).batch).ok());
  expect_outcome(retries->handle(&sink_, Batch(2).batch), PROJECTOR_RETRY, "not yet");
  expect_outcome(retries->handle(&sink_, Batch(2).batch), PROJECTOR_RETRY, "not yet");
  EXPECT_TRUE(retries->handle(&sink_, Batch(2).batch).ok());
  const auto fatal = good("fatal_on", {{"position", "102"}});
  EXPECT_TRUE(fatal->handle(&sink_, Batch(1).batch).ok());
  expect_outcome(fatal->handle(&sink_, Batch(2).batch), PROJECTOR_FATAL, "cannot go on");
}

TEST_F(InstanceTest, TheVerdictOfAStatementComesBack) {
  sink_.answer = [] { return Verdict{PROJECTOR_REJECT, "ERROR: duplicate\nkey \xff", 1}; };
  expect_outcome(good("recorder")->handle(&sink_, Batch(2).batch), PROJECTOR_REJECT,
                 "ERROR: duplicate key \xEF\xBF\xBD", 1);
  EXPECT_EQ(sink_.taken.size(), 1U);
}

TEST_F(InstanceTest, AVerdictsTextIsCutToTheCallersBuffer) {
  sink_.answer = [] { return Verdict{PROJECTOR_RETRY, std::string(10000, 'x'), PROJECTOR_NO_EVENT}; };
  const Outcome outcome = good("recorder")->handle(&sink_, Batch(1).batch);
  EXPECT_EQ(outcome.text, std::string(4092, 'x') + "\xE2\x80\xA6");
}

TEST_F(InstanceTest, AnIgnoredFailureIsStillTheOutcome) {
  int statements = 0;
  sink_.answer = [&] { return ++statements == 1 ? Verdict{} : Verdict{PROJECTOR_REJECT, "division by zero", 0}; };
  expect_outcome(good("ignores_failed_query")->handle(&sink_, Batch(1).batch), PROJECTOR_REJECT, "division by zero", 0);
}

TEST_F(InstanceTest, WhatTheTransactionThrowsStopsAtTheDoor) {
  const auto instance = good("recorder");
  sink_.answer = []() -> Verdict { throw std::runtime_error("broken inside"); };
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL, "exec: broken inside");
  sink_.answer = []() -> Verdict { throw std::bad_alloc(); };
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_RETRY, "exec: out of memory");
  sink_.answer = []() -> Verdict { throw 7; };
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL, "exec: unknown failure in the host");
}

TEST_F(InstanceTest, ATransactionEndsWithItsCall) {
  const auto instance = good("uses_tx_after_call");
  EXPECT_TRUE(instance->handle(&sink_, Batch(1).batch).ok());
  instance->finished(true);
  expect_outcome(instance->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL, "exec or query: tx used outside its call");
  ASSERT_EQ(sink_.taken.size(), 1U);
  EXPECT_EQ(sink_.taken[0].sql, "SELECT 'from this call'");
  // Once is enough.
  EXPECT_EQ(logged_, (std::vector<std::pair<std::int32_t, std::string>>{
                         {PROJECTOR_LOG_ERROR, "exec or query: tx used outside its call"}}));
}

TEST_F(InstanceTest, AnotherThreadMayNotUseTheTransaction) {
  expect_outcome(good("uses_other_thread")->handle(&sink_, Batch(1).batch), PROJECTOR_FATAL,
                 "exec or query was called on another thread than the worker's");
  EXPECT_TRUE(sink_.taken.empty());
}

TEST_F(InstanceTest, RowsGoWithTheirCall) {
  const auto instance = good("leaks_rows");
  int most = 0;
  sink_.answer = [&] {
    most = std::max(most, sink_.living_rows);
    return Verdict{};
  };
  EXPECT_TRUE(instance->handle(&sink_, Batch(3).batch).ok());
  EXPECT_EQ(most, 2); // before the third query
  EXPECT_EQ(sink_.living_rows, 0);
}

TEST_F(InstanceTest, AQuerysFirstCellIsRead) {
  const auto instance = good("statement", {{"query", "SELECT now()"}, {"exec", ""}, {"setup", ""}, {"reset", ""}});
  sink_.cells = {{"noon\n\xff"}};
  EXPECT_TRUE(instance->handle(&sink_, Batch(1).batch).ok());
  EXPECT_EQ(logged_, (std::vector<std::pair<std::int32_t, std::string>>{{PROJECTOR_LOG_INFO, "noon \xEF\xBF\xBD"}}));
  EXPECT_EQ(sink_.living_rows, 0);
}

TEST_F(InstanceTest, StoppingIsTold) {
  const auto slow = good("slow", {{"delay", "2000"}, {"heed_stop", "true"}});
  EXPECT_TRUE(slow->handle(&sink_, Batch(1).batch).ok());
  stop_.request();
  expect_outcome(slow->handle(&sink_, Batch(1).batch), PROJECTOR_RETRY, "asked to stop");
}

} // namespace
} // namespace projector::runner
