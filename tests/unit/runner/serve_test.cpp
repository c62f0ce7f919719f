#include "runner/serve.hpp"

#include "channel/calls.hpp"
#include "channel/host_end.hpp"
#include "channel/log_line.hpp"
#include "plugin/facts_message.hpp"
#include "plugin/runner_call.hpp"
#include "unit/plugin/fake_statement_sink.hpp"
#include "unit/plugin/plugin_files.hpp"
#include "unit/runner/load.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace projector::runner {
namespace {

using channel::Kind;
using plugin::CallFailure;
using plugin::Outcome;
using ::testing::HasSubstr;

/// A runner on a thread of the test, and the host's end of its channel.
class Serve : public plugin::test::PluginFiles {
protected:
  using Settings = std::vector<channel::Create::Setting>;

  ~Serve() override { stop(); }

  void stop() {
    if (runner_.joinable()) {
      end_->close();
      runner_.join();
    }
  }
  void start(const std::string& plugin) { start(staged(plugin)); }
  void start_shipped(const std::string& plugin) {
    const auto built = std::filesystem::path(PROJECTOR_TEST_PLUGIN_DIR) / (plugin + ".so");
    start(plugin::stage(write(plugin + ".so", plugin::test::read_bytes(built)), staging()).staged.value());
  }
  void start(const plugin::StagedFile& staged_file) {
    host_ = channel::Memory::create();
    end_.emplace(*host_);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets_.data()), 0);
    log_.reset(sockets_[0]);
    runner_ = std::thread([this, file = PluginFile{staged_file.copy, staged_file.source, staged_file.name}] {
      // One mapping for both ends, so that the thread sanitizer sees what orders their accesses.
      channel::LogSender log(base::UniqueFd(sockets_[1]), host_->dropped_log_lines());
      serve(*host_, log, file);
      // A process that ends is noticed by its host.
      end_->close();
    });
  }
  plugin::CallResult call(Kind kind, const channel::Writer& message, std::size_t n_events = 0,
                          plugin::StatementSink* sink = nullptr) {
    return plugin::call_runner(*end_, kind, message.view(), sink, n_events, std::chrono::minutes(1));
  }
  plugin::Description describe() { return plugin::describe_runner(*end_, std::chrono::minutes(1)); }
  Outcome create(const Settings& settings = {}) {
    channel::Create create{.projection_name = "sales", .partition_key = 2, .total_partitions = 4};
    create.settings = settings;
    channel::Writer message;
    channel::write_create(message, create);
    return expect_end(call(Kind::Create, message));
  }
  Outcome handle(std::size_t n_events, channel::Finished finished = channel::Finished::None) {
    channel::Writer message;
    channel::Handle handle;
    handle.finished = finished;
    std::vector<const projector_event*> pointers;
    events_.assign(n_events, {});
    for (std::size_t index = 0; index < n_events; ++index) {
      events_[index].struct_size = sizeof(projector_event);
      events_[index].global_position = static_cast<std::int64_t>(101 + index);
      events_[index].event_type = {"Even", 4};
      if (index < payloads_.size()) {
        events_[index].payload = {payloads_[index].data(), payloads_[index].size()};
      }
      pointers.push_back(&events_[index]);
    }
    channel::write_handle(message, handle, pointers.data(), pointers.size());
    return expect_end(call(Kind::Handle, message, n_events, &sink_));
  }
  Outcome setup() { return expect_end(call(Kind::Setup, {}, 0, &sink_)); }
  Outcome destroy() {
    channel::Writer message;
    channel::write_finished(message, channel::Finished::None);
    return expect_end(call(Kind::Destroy, message));
  }
  /// The index of the event that the plugin has begun.
  std::uint32_t current() { return host_->read_current(); }
  static Outcome expect_end(plugin::CallResult result) {
    EXPECT_FALSE(result.failure) << result.failure->text;
    return std::move(result.outcome);
  }

  plugin::test::FakeStatementSink sink_;
  std::vector<std::string> payloads_; ///< of the first events
  base::UniqueFd log_;

private:
  std::unique_ptr<channel::Memory> host_;
  std::optional<channel::HostEnd> end_;
  std::array<int, 2> sockets_{-1, -1};
  std::vector<projector_event> events_;
  std::thread runner_;
};

TEST_F(Serve, StatementsReachTheTransactionInTheirOrder) {
  start("recorder");
  EXPECT_TRUE(create().ok());
  EXPECT_TRUE(setup().ok());
  EXPECT_TRUE(handle(2).ok());
  ASSERT_EQ(sink_.taken.size(), 3u);
  EXPECT_THAT(sink_.taken[0].sql, HasSubstr("CREATE TABLE IF NOT EXISTS sales_seen"));
  EXPECT_EQ(sink_.taken[1].params, (std::vector<std::string>{"sales", "2", "101"}));
  EXPECT_EQ(sink_.taken[2].params, (std::vector<std::string>{"sales", "2", "102"}));
  EXPECT_EQ(sink_.taken[2].event_index, 1u);
  EXPECT_TRUE(destroy().ok());
}

TEST_F(Serve, AQueueThatIsFullIsSentBeforeTheEnd) {
  start("statement");
  // A statement of 100 KB for each event: several messages in one call.
  EXPECT_TRUE(
      create({{"setup", ""}, {"exec", "SELECT '" + std::string(100000, 'x') + "'"}, {"query", ""}, {"reset", ""}})
          .ok());
  EXPECT_TRUE(handle(20).ok());
  ASSERT_EQ(sink_.taken.size(), 20u);
  for (std::uint32_t index = 0; index < 20; ++index) {
    EXPECT_EQ(sink_.taken[index].event_index, index);
    EXPECT_EQ(sink_.taken[index].sql.size(), 100009u);
  }
}

TEST_F(Serve, AStatementThatFailsEndsTheCallAndIsTheFirstOne) {
  start("statement");
  EXPECT_TRUE(create({{"setup", ""}, {"exec", "INSERT"}, {"query", ""}, {"reset", ""}}).ok());
  int statements = 0;
  sink_.answer = [&] {
    ++statements;
    return plugin::Verdict{PROJECTOR_REJECT, "number " + std::to_string(statements), 1};
  };
  const auto outcome = handle(3);
  EXPECT_EQ(outcome.status, PROJECTOR_REJECT);
  EXPECT_EQ(outcome.text, "number 1");
  EXPECT_EQ(outcome.event_index, 1u);
  EXPECT_EQ(statements, 1) << "those behind it are not run";
}

TEST_F(Serve, AQueryGetsItsRowsAndLogsReachTheHost) {
  start("statement");
  EXPECT_TRUE(create({{"setup", ""}, {"exec", "INSERT"}, {"query", "SELECT"}, {"reset", ""}}).ok());
  sink_.cells = {{"the first cell", "2"}};
  EXPECT_TRUE(handle(2).ok());
  ASSERT_EQ(sink_.taken.size(), 3u);
  EXPECT_EQ(sink_.taken[2].sql, "SELECT");
  const auto line = channel::receive_log_line(log_.get());
  EXPECT_EQ(line.status, channel::LogLine::Status::Line);
  EXPECT_EQ(line.text, "the first cell");
}

TEST_F(Serve, TheHostSeesWhichEventThePluginHasBegun) {
  start_shipped("revenue");
  EXPECT_TRUE(create({{"currency", ""}, {"default_currency", "EUR"}}).ok());
  payloads_ = {R"({"amount":1})", R"({"amount":2})", "no order"};
  EXPECT_EQ(current(), PROJECTOR_NO_EVENT);
  EXPECT_EQ(handle(3).status, PROJECTOR_REJECT);
  EXPECT_EQ(current(), 2u);
  EXPECT_TRUE(handle(2).ok());
  EXPECT_EQ(current(), PROJECTOR_NO_EVENT) << "it is through";
}

TEST_F(Serve, APluginOfMinorZeroRunsAndBeginsNoEvent) {
  start("minor_0");
  EXPECT_EQ(describe().facts.value().abi_minor, 0u);
  EXPECT_TRUE(create().ok());
  EXPECT_TRUE(handle(2).ok());
  EXPECT_EQ(sink_.taken.size(), 2u);
  EXPECT_EQ(current(), PROJECTOR_NO_EVENT);
}

TEST_F(Serve, RowsThatThePluginKeepsAreFreedAfterTheCall) {
  start("leaks_rows");
  EXPECT_TRUE(create().ok());
  EXPECT_TRUE(handle(3).ok());
  EXPECT_EQ(sink_.taken.size(), 3u);
  EXPECT_EQ(sink_.living_rows, 0);
}

TEST_F(Serve, FactsAreThoseOfTheLibrary) {
  for (const auto* plugin : {"statement", "many_settings", "orders_only", "external", "recorder"}) {
    const auto known = load(staged(plugin)).facts();
    start(plugin);
    const auto description = describe();
    EXPECT_EQ(description.facts, known) << description.refusal;
    EXPECT_FALSE(plugin::judge(*description.facts, plugin));
    stop();
  }
}

TEST_F(Serve, FactsThatAreRefusedInTheRunnerAreToldWithTheReason) {
  start("newer_host");
  const auto description = describe();
  EXPECT_FALSE(description.facts);
  EXPECT_THAT(description.refusal, HasSubstr("newer_host.so "));
}

TEST_F(Serve, AnAnswerOfAnotherKindBreaksTheRules) {
  start("statement");
  const auto result = call(Kind::Describe, {});
  ASSERT_TRUE(result.failure) << "facts are no end of a call";
  EXPECT_EQ(result.failure->kind, CallFailure::Kind::ProtocolError);
  EXPECT_EQ(result.failure->text, "a message of kind 19 during a call");
}

TEST_F(Serve, APluginThatCannotBeLoadedSaysWhy) {
  start("needs_missing_symbol");
  const auto outcome = create();
  EXPECT_EQ(outcome.status, PROJECTOR_FATAL);
  EXPECT_THAT(outcome.text, HasSubstr("needs_missing_symbol.so cannot be loaded: "));
}

TEST_F(Serve, WhatThrowsIsFatal) {
  start("handle_throws");
  EXPECT_TRUE(create().ok());
  EXPECT_EQ(handle(1).text, "handle threw an exception through the ABI: thrown by handle");
  EXPECT_EQ(handle(1, channel::Finished::RolledBack).text,
            "finished threw an exception through the ABI: thrown by finished");
}

TEST_F(Serve, ACallThatMakesNoSenseIsFatal) {
  start("recorder");
  EXPECT_EQ(setup().text, "setup was called before create");
  EXPECT_EQ(handle(1).text, "handle was called before create");
}

} // namespace
} // namespace projector::runner
