#include "supervisor/rollout.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace projector::supervisor {
namespace {

Generation generation(std::uint64_t number) {
  Generation generation;
  generation.number = number;
  return generation;
}

std::string text(const Rollout::Replacing::Fallback& fallback) {
  if (const auto* good = std::get_if<Generation>(&fallback)) {
    return std::to_string(good->number);
  }
  return std::holds_alternative<Rollout::Replacing::EndingFallback>(fallback) ? "the one that ends" : "nothing";
}

std::string text(const Rollout& rollout) {
  const auto number = [](const Generation& generation) { return std::to_string(generation.number); };
  if (const auto* now = rollout.in<Rollout::Running>()) {
    return "running " + number(now->generation);
  }
  if (const auto* now = rollout.in<Rollout::OnTrial>()) {
    return "on trial " + number(now->generation) + ", good " + number(now->good);
  }
  if (const auto* now = rollout.in<Rollout::Replacing>()) {
    return "replacing " + number(now->ending) + " by " + number(now->next) + ", fallback " + text(now->fallback);
  }
  if (const auto* now = rollout.in<Rollout::RollingBack>()) {
    return "rolling back " + number(now->ending) + " to " + number(now->good);
  }
  if (const auto* now = rollout.in<Rollout::Withdrawing>()) {
    return "withdrawing " + number(now->ending);
  }
  if (const auto* now = rollout.in<Rollout::Stopping>()) {
    return "stopping " + number(now->ending);
  }
  return rollout.in<Rollout::Stopped>() != nullptr ? "stopped" : "idle";
}

std::string numbers(const Rollout::Unneeded& unneeded) {
  std::string all;
  for (const auto& generation : unneeded) {
    all += (all.empty() ? "" : " ") + std::to_string(generation.number);
  }
  return all;
}

/// One in each state; generation 1 is the oldest.
Rollout in_state(const std::string& name) {
  Rollout rollout;
  if (name == "idle") {
    return rollout;
  }
  rollout.start(generation(1));
  if (name == "running") {
    return rollout;
  }
  if (name == "withdrawing") {
    rollout.withdraw();
    return rollout;
  }
  if (name == "stopping" || name == "stopped") {
    rollout.stop();
    if (name == "stopped") {
      rollout.ended();
    }
    return rollout;
  }
  rollout.replace(generation(2), name != "replacing one out of order");
  if (name == "replacing" || name == "replacing one out of order") {
    return rollout;
  }
  rollout.ended();
  if (name == "on trial") {
    return rollout;
  }
  if (name == "replacing one on trial") {
    rollout.replace(generation(3), true);
  } else {
    rollout.roll_back();
  }
  return rollout;
}

struct Transition {
  std::string from;
  std::string to; ///< empty: it is refused
  std::string unneeded;
};
using Apply = std::function<Rollout::Unneeded(Rollout&)>;

void expect(const std::vector<Transition>& transitions, const Apply& apply) {
  for (const auto& transition : transitions) {
    SCOPED_TRACE(transition.from);
    Rollout rollout = in_state(transition.from);
    const std::string before = text(rollout);
    if (transition.to.empty()) {
      EXPECT_THROW(apply(rollout), std::logic_error);
      EXPECT_EQ(text(rollout), before);
    } else {
      EXPECT_EQ(numbers(apply(rollout)), transition.unneeded);
      EXPECT_EQ(text(rollout), transition.to);
    }
  }
}

TEST(Rollout, StartsOnceOnly) {
  expect({{"idle", "running 9", ""},
          {"running", "", ""},
          {"on trial", "", ""},
          {"replacing", "", ""},
          {"rolling back", "", ""},
          {"withdrawing", "", ""},
          {"stopping", "", ""},
          {"stopped", "", ""}},
         [](Rollout& rollout) {
           rollout.start(generation(9));
           return Rollout::Unneeded{};
         });
}

TEST(Rollout, AReplacementFallsBackToWhatWasInOrderLast) {
  const std::vector<Transition> alike{{"idle", "", ""},
                                      {"replacing", "replacing 1 by 9, fallback the one that ends", "2"},
                                      {"replacing one out of order", "replacing 1 by 9, fallback nothing", "2"},
                                      {"on trial", "replacing 2 by 9, fallback 1", ""},
                                      {"replacing one on trial", "replacing 2 by 9, fallback 1", "3"},
                                      {"rolling back", "replacing 2 by 9, fallback 1", ""},
                                      {"withdrawing", "replacing 1 by 9, fallback nothing", ""},
                                      {"stopping", "", ""},
                                      {"stopped", "", ""}};
  for (const bool in_order : {true, false}) {
    expect(alike, [&](Rollout& rollout) { return rollout.replace(generation(9), in_order); });
  }
  expect({{"running", "replacing 1 by 9, fallback the one that ends", ""}},
         [](Rollout& rollout) { return rollout.replace(generation(9), true); });
  expect({{"running", "replacing 1 by 9, fallback nothing", ""}},
         [](Rollout& rollout) { return rollout.replace(generation(9), false); });
}

TEST(Rollout, OnlyATrialPassesOrRollsBack) {
  std::vector<Transition> passing{{"on trial", "running 2", "1"}};
  std::vector<Transition> back{{"on trial", "rolling back 2 to 1", ""}};
  for (const char* other : {"idle", "running", "replacing", "replacing one out of order", "replacing one on trial",
                            "rolling back", "withdrawing", "stopping", "stopped"}) {
    passing.push_back({other, "", ""});
    back.push_back({other, "", ""});
  }
  expect(passing, [](Rollout& rollout) { return rollout.pass(); });
  expect(back, [](Rollout& rollout) {
    rollout.roll_back();
    return Rollout::Unneeded{};
  });
}

TEST(Rollout, OnlyWhatHasNothingToGoBackToIsWithdrawn) {
  std::vector<Transition> transitions{{"running", "withdrawing 1", ""}};
  for (const char* other : {"idle", "on trial", "replacing", "replacing one on trial", "rolling back", "withdrawing",
                            "stopping", "stopped"}) {
    transitions.push_back({other, "", ""});
  }
  expect(transitions, [](Rollout& rollout) {
    rollout.withdraw();
    return Rollout::Unneeded{};
  });
}

TEST(Rollout, AStopLetsGoOfEverythingThatDoesNotEndJustNow) {
  expect({{"idle", "stopped", ""},
          {"running", "stopping 1", ""},
          {"on trial", "stopping 2", "1"},
          {"replacing", "stopping 1", "2"},
          {"replacing one out of order", "stopping 1", "2"},
          {"replacing one on trial", "stopping 2", "3 1"},
          {"rolling back", "stopping 2", "1"},
          {"withdrawing", "stopping 1", ""},
          {"stopping", "stopping 1", ""},
          {"stopped", "stopped", ""}},
         [](Rollout& rollout) { return rollout.stop(); });
}

TEST(Rollout, GoesOnOnceTheWorkersHaveEnded) {
  expect({{"idle", "", ""},
          {"running", "", ""},
          {"on trial", "", ""},
          {"replacing", "on trial 2, good 1", ""},
          {"replacing one out of order", "running 2", "1"},
          {"replacing one on trial", "on trial 3, good 1", "2"},
          {"rolling back", "running 1", "2"},
          {"withdrawing", "idle", "1"},
          {"stopping", "stopped", "1"},
          {"stopped", "", ""}},
         [](Rollout& rollout) { return rollout.ended(); });
}

TEST(Rollout, ShowsTheCurrentAndTheGoodGeneration) {
  struct Case {
    std::string state;
    std::uint64_t current;
    std::uint64_t good;
    bool ending;
  };
  const std::vector<Case> cases{{"idle", 0, 0, false},
                                {"running", 1, 0, false},
                                {"on trial", 2, 1, false},
                                {"replacing", 1, 0, true},
                                {"replacing one on trial", 2, 1, true},
                                {"rolling back", 2, 1, true},
                                {"withdrawing", 1, 0, true},
                                {"stopping", 1, 0, true},
                                {"stopped", 0, 0, false}};
  for (const auto& expected : cases) {
    SCOPED_TRACE(expected.state);
    const Rollout rollout = in_state(expected.state);
    EXPECT_EQ(rollout.current() == nullptr ? 0 : rollout.current()->number, expected.current);
    EXPECT_EQ(rollout.good() == nullptr ? 0 : rollout.good()->number, expected.good);
    EXPECT_EQ(rollout.ending(), expected.ending);
  }
}

TEST(Rollout, WorkersOfATrialSeeItsEnd) {
  Rollout rollout = in_state("on trial");
  const auto flag = rollout.in<Rollout::OnTrial>()->flag;
  EXPECT_TRUE(*flag);
  rollout.pass();
  EXPECT_FALSE(*flag);
}

} // namespace
} // namespace projector::supervisor
