#include "supervisor/session_plan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace projector::supervisor {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t kLeast = 5;

SessionLimits limits(std::optional<std::uint32_t> of_role, std::optional<std::uint32_t> of_database = {},
                     std::uint32_t of_server = 100) {
  return {"7000", "app", "shop", of_role, of_database, of_server};
}

SessionPlan plan_for(std::uint32_t of_role, const config::Configuration& configuration = {}) {
  return plan_sessions(configuration, limits(of_role), limits(of_role));
}

std::string refusal_of(const config::Configuration& configuration, const SessionLimits& limits) {
  try {
    plan_sessions(configuration, limits, limits);
  } catch (const TooFewSessions& refused) {
    return refused.what();
  }
  return "accepted";
}

TEST(SessionPlan, WithoutALimitEverythingIsOpened) {
  config::Configuration configuration;
  configuration.event_store.notify_channel = "news";
  const auto plan = plan_sessions(configuration, {}, {});
  EXPECT_EQ(plan.history_readers, 2u);
  EXPECT_TRUE(plan.listener);
  EXPECT_EQ(plan.pool_max, 32u);
  EXPECT_EQ(plan.shortage, "");
  EXPECT_EQ(plan.least, kLeast);
  EXPECT_EQ(plan.most, 38u);
}

TEST(SessionPlan, AllSessionsTogetherStayWithinTheLimit) {
  config::Configuration configuration;
  configuration.event_store.notify_channel = "news";
  for (std::uint32_t limit = kLeast; limit < 40; ++limit) {
    const auto plan = plan_for(limit, configuration);
    EXPECT_LE(1 + plan.history_readers + (plan.listener ? 1 : 0) + 2 + plan.pool_max, limit);
    EXPECT_GE(plan.history_readers, 1u);
    EXPECT_GE(plan.pool_max, 1u);
  }
}

TEST(SessionPlan, BelowTheLeastTheMessageHasTheNumbersAndTheCure) {
  const auto refusal = refusal_of({}, limits(kLeast - 1));
  EXPECT_THAT(refusal, HasSubstr(fmt::format("role app may have {} sessions", kLeast - 1)));
  EXPECT_THAT(refusal, HasSubstr(fmt::format("needs {} of them at least", kLeast)));
  EXPECT_THAT(refusal, HasSubstr(fmt::format("ALTER ROLE \"app\" CONNECTION LIMIT {}", 36 + 2)));
  EXPECT_THAT(refusal_of({}, limits({}, 2)), HasSubstr("ALTER DATABASE \"shop\" CONNECTION LIMIT"));
  EXPECT_THAT(refusal_of({}, limits({}, {}, 3)), HasSubstr("raise max_connections by"));
}

TEST(SessionPlan, ALimitOfAnotherServerCountsItsOwnSessionsOnly) {
  auto store = limits(2);
  store.server = "8000";
  const auto plan = plan_sessions({}, store, limits({}));
  EXPECT_EQ(plan.history_readers, 1u);
  EXPECT_EQ(plan.pool_max, 32u);
  EXPECT_THAT(plan.shortage, HasSubstr("needs 2 of them at least and opens up to 3"));
}

TEST(SessionPlan, CountsAdditionalSessionsOfTheProgram) {
  EXPECT_THROW(plan_sessions({}, limits(kLeast), limits(kLeast), 1), TooFewSessions);
  EXPECT_EQ(plan_sessions({}, limits(kLeast + 1), limits(kLeast + 1), 1).pool_max, 1u);
}

} // namespace
} // namespace projector::supervisor
