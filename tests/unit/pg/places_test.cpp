#include "pg/places.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace projector::pg {
namespace {

using std::chrono::milliseconds;

class PlacesTest : public ::testing::Test {
protected:
  /// Enters the queue as `owner`.
  void enter(const char* owner) {
    waiters_.push_back({owner, std::nullopt});
    places_.enter(waiters_.back());
  }
  /// The owner whose turn it is, or "-".
  std::string next() {
    auto* waiter = places_.next(now_);
    if (waiter == nullptr) {
      return "-";
    }
    held_.push_back(*waiter->held);
    return waiter->owner;
  }
  /// The first place held by `owner` goes back.
  void give_back(std::string_view owner) {
    const auto place = std::find_if(held_.begin(), held_.end(), [&](const auto& held) { return held->owner == owner; });
    places_.give_back(*place);
    held_.erase(place);
  }

  base::TimePoint now_{std::chrono::hours(1)};
  Places places_{{.size = 2, .most = 4, .hold_limit = milliseconds(1000)}};
  std::list<Places::Waiter> waiters_;
  std::list<Places::Held> held_;
};

TEST_F(PlacesTest, ServesInOrderUpToTheSize) {
  enter("a");
  enter("b");
  enter("c");
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "b");
  EXPECT_EQ(next(), "-");
  give_back("a");
  EXPECT_EQ(next(), "c");
  EXPECT_EQ(places_.waiting(), 0u);
}

TEST_F(PlacesTest, AnOwnerAloneMayHoldAllPlaces) {
  enter("a");
  enter("a");
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(places_.held(), 2u);
}

TEST_F(PlacesTest, AnOwnerDoesNotTakeTheLastPlaceWhileAnotherWaits) {
  enter("a");
  EXPECT_EQ(next(), "a");
  enter("a");
  enter("b");
  EXPECT_EQ(next(), "b");
  EXPECT_EQ(next(), "-");
  give_back("b");
  EXPECT_EQ(next(), "a");
}

TEST_F(PlacesTest, APlaceHeldForLongDoesNotCount) {
  enter("a");
  enter("b");
  EXPECT_EQ(next(), "a");
  now_ += milliseconds(400);
  EXPECT_EQ(next(), "b");
  enter("c");
  EXPECT_EQ(next(), "-");
  EXPECT_EQ(places_.next_change(now_), now_ + milliseconds(600));
  now_ += milliseconds(600);
  EXPECT_EQ(next(), "c");
}

TEST_F(PlacesTest, NoMoreThanTheMostAreHeldHoweverLong) {
  for (int i = 0; i < 5; ++i) {
    enter("a");
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(next(), "a");
    now_ += milliseconds(1000);
  }
  EXPECT_EQ(next(), "-");
  EXPECT_EQ(places_.next_change(now_), std::nullopt);
  give_back("a");
  EXPECT_EQ(next(), "a");
}

TEST_F(PlacesTest, AWaiterThatLeavesHoldsNobodyBack) {
  enter("a");
  EXPECT_EQ(next(), "a");
  enter("a");
  enter("b");
  places_.leave(waiters_.back());
  EXPECT_EQ(next(), "a");
}

TEST(Places, WithOnePlaceOwnersTakeTurns) {
  Places places({.size = 1, .most = 1, .hold_limit = milliseconds(1000)});
  std::array<Places::Waiter, 3> waiters{{{"a", {}}, {"a", {}}, {"b", {}}}};
  for (auto& waiter : waiters) {
    places.enter(waiter);
  }
  for (auto& waiter : waiters) {
    EXPECT_EQ(places.next(base::TimePoint()), &waiter);
    EXPECT_EQ(places.next(base::TimePoint()), nullptr);
    places.give_back(*waiter.held);
  }
}

} // namespace
} // namespace projector::pg
