#include "unit/sdk/fake_host.hpp"

#include <projector/plugin.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>

namespace projector {
namespace {

using test::event_at;
using test::EventBatch;
using test::FakeHost;
using test::PluginObject;

/// What the projections below do in each call; set by the test, on its own thread.
struct Script {
  std::function<void()> create = [] {};
  std::function<void(Transaction&)> setup = [](Transaction&) {};
  std::function<void(Transaction&, const Event&)> handle = [](Transaction&, const Event&) {};
  std::function<void(Transaction&, const Batch&)> handle_batch = [](Transaction&, const Batch&) {};
  std::function<void(const Event&)> handle_external = [](const Event&) {};
  std::function<void(const Batch&)> handle_external_batch = [](const Batch&) {};
  std::function<void(bool)> finished = [](bool) {};
};
thread_local Script* script = nullptr;

class ByEvent : public Projection {
public:
  ByEvent() { script->create(); }
  void setup(Transaction& tx) override { script->setup(tx); }
  void handle(Transaction& tx, const Event& event) override { script->handle(tx, event); }
  void reset(Transaction& tx) override { script->setup(tx); }
  void finished(bool committed) override { script->finished(committed); }
};
class ByBatch : public Projection {
public:
  void handle_batch(Transaction& tx, const Batch& batch) override { script->handle_batch(tx, batch); }
};
class ExternalByEvent : public ExternalProjection {
public:
  void handle(const Event& event) override { script->handle_external(event); }
};
class ExternalByBatch : public ExternalProjection {
  void handle_batch(const Batch& batch) override { script->handle_external_batch(batch); }
};

constexpr Descriptor kDescriptor{.name = "scripted"};
constexpr detail::SettingPointers kNoSettings{};
template <class Type>
constexpr projector_plugin kPlugin = detail::Bridge<Type>::plugin(kDescriptor, kNoSettings);

class Outcomes : public testing::Test {
protected:
  Outcomes() { script = &script_; }
  ~Outcomes() override { script = nullptr; }

  template <class Type>
  projector_status handle() {
    PluginObject object(kPlugin<Type>, host_, {});
    EXPECT_EQ(object.created, PROJECTOR_OK);
    EventBatch batch({event_at(10), event_at(11), event_at(15)});
    const projector_status status = object.handle(batch);
    text_ = object.error.text();
    event_index_ = object.error.event_index();
    return status;
  }

  Script script_;
  FakeHost host_;
  std::string text_;
  std::uint32_t event_index_ = 0;
};

TEST_F(Outcomes, AllEventsAreHandledInOrderAndChargedForTheirStatements) {
  script_.handle = [](Transaction& tx, const Event& event) { tx.exec("SELECT $1", event.global_position()); };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_OK);
  ASSERT_EQ(host_.statements.size(), 3u);
  EXPECT_EQ(host_.statements[2].values[0].bytes, "15");
  EXPECT_EQ(host_.statements[0].event_index, 0u);
  EXPECT_EQ(host_.statements[2].event_index, 2u);
  EXPECT_EQ(host_.statements[2].flags, 0u);
}

TEST_F(Outcomes, RejectIsChargedToTheEventAtHand) {
  script_.handle = [](Transaction&, const Event& event) {
    if (event.global_position() == 11) {
      throw Reject("no such currency");
    }
  };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_REJECT);
  EXPECT_EQ(event_index_, 1u);
  EXPECT_EQ(text_, "no such currency");
}

TEST_F(Outcomes, AnyOtherExceptionIsAReject) {
  script_.handle = [](Transaction&, const Event& event) {
    if (event.index() == 2) {
      throw std::out_of_range("beyond");
    }
  };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_REJECT);
  EXPECT_EQ(event_index_, 2u);
  EXPECT_EQ(text_, "beyond");
  script_.handle = [](Transaction&, const Event&) { throw 7; };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_REJECT);
  EXPECT_EQ(event_index_, 0u);
  EXPECT_EQ(text_, "an exception that is no std::exception");
}

TEST_F(Outcomes, InABatchTheEventIsTheOneThatWasNamed) {
  script_.handle_batch = [](Transaction&, const Batch& batch) { throw Reject(batch[1], "this one"); };
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_REJECT);
  EXPECT_EQ(event_index_, 1u);
  script_.handle_batch = [](Transaction&, const Batch&) { throw Reject("one of them"); };
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_REJECT);
  EXPECT_EQ(event_index_, PROJECTOR_NO_EVENT);
  script_.handle_batch = [](Transaction& tx, const Batch& batch) {
    tx.exec("SELECT 1");
    tx.charge_to(batch[2]);
    tx.exec("SELECT 2");
    tx.charge_to_none();
    tx.exec("SELECT 3");
  };
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_OK);
  EXPECT_EQ(host_.statements.at(0).event_index, PROJECTOR_NO_EVENT);
  EXPECT_EQ(host_.statements.at(1).event_index, 2u);
  EXPECT_EQ(host_.statements.at(2).event_index, PROJECTOR_NO_EVENT);
}

TEST_F(Outcomes, RetryFatalAndLackOfMemory) {
  script_.handle = [](Transaction&, const Event& event) {
    if (event.index() == 1) {
      throw Retry("later");
    }
  };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_RETRY);
  EXPECT_EQ(event_index_, PROJECTOR_NO_EVENT) << "the transaction rolls back all events";
  EXPECT_EQ(text_, "later");
  script_.handle = [](Transaction&, const Event&) { throw Fatal("broken"); };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_FATAL);
  EXPECT_EQ(event_index_, PROJECTOR_NO_EVENT);
  EXPECT_EQ(text_, "broken");
  script_.handle = [](Transaction&, const Event&) { throw std::bad_alloc(); };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_RETRY);
  EXPECT_EQ(text_, "out of memory");
}

TEST_F(Outcomes, AnExternalRetryKeepsTheEventsBefore) {
  script_.handle_external = [](const Event& event) {
    if (event.index() == 2) {
      throw Retry("mail server is down");
    }
  };
  EXPECT_EQ(handle<ExternalByEvent>(), PROJECTOR_RETRY);
  EXPECT_EQ(event_index_, 2u);
  script_.handle_external_batch = [](const Batch& batch) { throw Retry(batch[1], "half"); };
  EXPECT_EQ(handle<ExternalByBatch>(), PROJECTOR_RETRY);
  EXPECT_EQ(event_index_, 1u);
  script_.handle_external_batch = [](const Batch&) { throw Retry("nothing done"); };
  EXPECT_EQ(handle<ExternalByBatch>(), PROJECTOR_RETRY);
  EXPECT_EQ(event_index_, PROJECTOR_NO_EVENT);
}

TEST_F(Outcomes, TheHostsVerdictIsReturnedUnchangedWhateverThePluginCatches) {
  script_.handle_batch = [](Transaction& tx, const Batch&) {
    try {
      tx.exec("INSERT ..");
    } catch (const std::exception&) {
      ADD_FAILURE() << "the verdict must not look like an ordinary exception";
    } catch (...) {
    }
    try {
      tx.exec("never sent");
    } catch (...) {
      throw Fatal("something of my own");
    }
  };
  host_.verdicts = {{PROJECTOR_REJECT, 2, "23505: duplicate key"}};
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_REJECT);
  EXPECT_EQ(event_index_, 2u);
  EXPECT_EQ(text_, "23505: duplicate key");
  EXPECT_EQ(host_.statements.size(), 1u);

  script_.handle_batch = [](Transaction& tx, const Batch&) {
    try {
      static_cast<void>(tx.query("SELECT 1"));
    } catch (...) {
    }
  };
  host_.verdicts = {{PROJECTOR_RETRY, PROJECTOR_NO_EVENT, "connection lost"}};
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_RETRY) << "also where handle returns as if nothing was";
  EXPECT_EQ(text_, "connection lost");
}

TEST_F(Outcomes, InCreateAndSetupExceptionsAreFatal) {
  script_.create = [] { throw std::runtime_error("bad setting"); };
  {
    PluginObject object(kPlugin<ByEvent>, host_, {});
    EXPECT_EQ(object.created, PROJECTOR_FATAL);
    EXPECT_EQ(object.error.text(), "bad setting");
  }
  script_.create = [] { throw std::bad_alloc(); };
  EXPECT_EQ(PluginObject(kPlugin<ByEvent>, host_, {}).created, PROJECTOR_RETRY);
  script_.create = [] {};
  PluginObject object(kPlugin<ByEvent>, host_, {});
  script_.setup = [](Transaction&) { throw Reject("no event here"); };
  EXPECT_EQ(object.setup(), PROJECTOR_FATAL);
  EXPECT_EQ(object.error.event_index(), PROJECTOR_NO_EVENT);
  script_.setup = [](Transaction&) { throw Retry("not yet"); };
  EXPECT_EQ(object.reset(), PROJECTOR_RETRY);
  script_.setup = [](Transaction& tx) { tx.exec("CREATE TABLE x ()"); };
  EXPECT_EQ(object.setup(), PROJECTOR_OK);
  EXPECT_EQ(host_.statements.back().flags, PROJECTOR_SQL_ONCE);
  EXPECT_EQ(host_.statements.back().event_index, PROJECTOR_NO_EVENT);
}

TEST_F(Outcomes, FinishedIsSealedToo) {
  PluginObject object(kPlugin<ByEvent>, host_, {});
  bool told = false;
  script_.finished = [&](bool committed) { told = committed; };
  object.finished(true);
  EXPECT_TRUE(told);
  script_.finished = [](bool) { throw std::runtime_error("oops"); };
  object.finished(false);
  ASSERT_EQ(host_.logged.size(), 1u);
  EXPECT_EQ(host_.logged[0], std::make_pair(PROJECTOR_LOG_ERROR, std::string("oops")));
}

TEST_F(Outcomes, TextIsCutBetweenCharactersAndMayBeUnwanted) {
  char text[6] = "";
  projector_error error{sizeof error, PROJECTOR_NO_EVENT, text, sizeof text};
  detail::write_error(&error, 3, "abcd\xC3\xA4");
  EXPECT_STREQ(text, "abcd");
  detail::write_error(&error, 3,
                      "abc\xC3\xA4"
                      "d");
  EXPECT_STREQ(text, "abc\xC3\xA4");
  detail::write_error(&error, 3, "");
  EXPECT_STREQ(text, "");
  detail::write_error(nullptr, 3, "unwanted");
  error.text_size = 0;
  error.event_index = 0;
  detail::write_error(&error, 4, "unwanted");
  EXPECT_EQ(error.event_index, 4u);
}

TEST_F(Outcomes, OnlyWhatIsOverriddenIsOffered) {
  EXPECT_NE(kPlugin<ByEvent>.setup, nullptr);
  EXPECT_NE(kPlugin<ByEvent>.reset, nullptr);
  EXPECT_NE(kPlugin<ByEvent>.finished, nullptr);
  EXPECT_EQ(kPlugin<ByBatch>.setup, nullptr);
  EXPECT_EQ(kPlugin<ByBatch>.reset, nullptr);
  EXPECT_EQ(kPlugin<ByBatch>.finished, nullptr);
  EXPECT_EQ(kPlugin<ByBatch>.flags, 0u);
  EXPECT_EQ(kPlugin<ExternalByEvent>.flags, PROJECTOR_PLUGIN_EXTERNAL);
}

TEST_F(Outcomes, TheDescriptorSaysThatTablesAreKeptApart) {
  constexpr Descriptor kApart{.name = "apart", .tables_by_projection = true};
  EXPECT_EQ(detail::Bridge<ByBatch>::plugin(kApart, {}).flags, PROJECTOR_PLUGIN_TABLES_BY_PROJECTION);
  EXPECT_EQ(detail::Bridge<ExternalByEvent>::plugin(kApart, {}).flags,
            PROJECTOR_PLUGIN_EXTERNAL | PROJECTOR_PLUGIN_TABLES_BY_PROJECTION);
}

} // namespace
} // namespace projector
