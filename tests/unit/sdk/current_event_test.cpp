#include "unit/sdk/fake_host.hpp"

#include <projector/plugin.hpp>

#include <gmock/gmock.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace projector {
namespace {

using test::event_at;
using test::EventBatch;
using testing::Each;
using testing::ElementsAre;

/// What the projections below do with an event or a batch; set by the test, on its own thread.
thread_local std::function<void(const Event&)>* on_event = nullptr;
thread_local std::function<void(const Batch&)>* on_batch = nullptr;

class ByEvent : public Projection {
public:
  void handle(Transaction&, const Event& event) override { (*on_event)(event); }
};
class ExternalByEvent : public ExternalProjection {
public:
  void handle(const Event& event) override { (*on_event)(event); }
};
class ByBatch : public Projection {
public:
  void handle_batch(Transaction&, const Batch& batch) override { (*on_batch)(batch); }
};

constexpr Descriptor kDescriptor{.name = "scripted"};
constexpr detail::SettingPointers kNoSettings{};
template <class Type>
constexpr projector_plugin kPlugin = detail::Bridge<Type>::plugin(kDescriptor, kNoSettings);

/// The event that the host takes for the one at hand.
class CurrentEvent : public testing::Test {
protected:
  CurrentEvent() {
    on_event = &on_event_;
    on_batch = &on_batch_;
  }
  ~CurrentEvent() override {
    on_event = nullptr;
    on_batch = nullptr;
  }

  template <class Type>
  projector_status handle() {
    test::FakeHost host;
    test::PluginObject object(kPlugin<Type>, host, {});
    return object.handle(batch_);
  }
  void note() { noted_.push_back(batch_.current); }

  EventBatch batch_{{event_at(10), event_at(11), event_at(15)}};
  std::vector<std::uint32_t> noted_;
  std::function<void(const Event&)> on_event_ = [this](const Event&) { note(); };
  std::function<void(const Batch&)> on_batch_ = [](const Batch&) {};
};

TEST_F(CurrentEvent, IsTheOneThatHandleGets) {
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_OK);
  EXPECT_THAT(noted_, ElementsAre(0, 1, 2));
  EXPECT_EQ(batch_.current, PROJECTOR_NO_EVENT) << "what comes after the last event is not its fault";
  noted_.clear();
  EXPECT_EQ(handle<ExternalByEvent>(), PROJECTOR_OK);
  EXPECT_THAT(noted_, ElementsAre(0, 1, 2));
  EXPECT_EQ(batch_.current, PROJECTOR_NO_EVENT);
}

TEST_F(CurrentEvent, StaysTheOneAtWhichHandleThrew) {
  on_event_ = [](const Event& event) {
    if (event.global_position() == 11) {
      throw Reject("no such currency");
    }
  };
  EXPECT_EQ(handle<ByEvent>(), PROJECTOR_REJECT);
  EXPECT_EQ(batch_.current, 1u);
}

TEST_F(CurrentEvent, IsTheOneThatALoopOverTheBatchHasReached) {
  on_batch_ = [this](const Batch& batch) {
    note();
    for (const Event event : batch) {
      static_cast<void>(event);
      note();
    }
    note();
  };
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_OK);
  EXPECT_THAT(noted_, ElementsAre(EventBatch::kUntouched, 0, 1, 2, PROJECTOR_NO_EVENT));
}

TEST_F(CurrentEvent, IsTheOneThatAnIteratorReadNotTheOneThatItPointsTo) {
  on_batch_ = [this](const Batch& batch) {
    auto next = batch.begin();
    const Event first = *next++;
    EXPECT_EQ(first.index(), 0u);
    note();
    EXPECT_EQ((*next).index(), 1u);
    note();
  };
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_OK);
  EXPECT_THAT(noted_, ElementsAre(0, 1));
}

TEST_F(CurrentEvent, IsNamedWhereThereIsNoLoop) {
  on_batch_ = [this](const Batch& batch) {
    const Event last = batch[2];
    note();
    batch.begin_event(last);
    note();
    batch.end_event();
    note();
  };
  EXPECT_EQ(handle<ByBatch>(), PROJECTOR_OK);
  EXPECT_THAT(noted_, ElementsAre(EventBatch::kUntouched, 2, PROJECTOR_NO_EVENT)) << "to look at an event begins none";
}

/// Hosts that do not ask for it.
class NoCurrentEvent : public CurrentEvent {
protected:
  void expect_nothing_written() {
    on_batch_ = [this](const Batch& batch) {
      for (const Event event : batch) {
        note();
        batch.begin_event(event);
        batch.end_event();
      }
    };
    EXPECT_EQ(handle<ByEvent>(), PROJECTOR_OK);
    EXPECT_EQ(handle<ExternalByEvent>(), PROJECTOR_OK);
    EXPECT_EQ(handle<ByBatch>(), PROJECTOR_OK);
    EXPECT_EQ(noted_.size(), 9u);
    EXPECT_THAT(noted_, Each(EventBatch::kUntouched));
  }
};

TEST_F(NoCurrentEvent, TheBatchOfMinorZeroEndsBeforeIt) {
  batch_.cut_to_minor_0();
  expect_nothing_written();
}

TEST_F(NoCurrentEvent, ThePointerIsNull) {
  batch_.get()->current = nullptr;
  expect_nothing_written();
}

} // namespace
} // namespace projector
