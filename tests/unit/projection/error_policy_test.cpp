#include "projection/error_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace projector::projection {
namespace {

struct Case {
  std::string sqlstate;
  Reaction reaction;
};

class SqlState : public ::testing::TestWithParam<Case> {};

TEST_P(SqlState, CallsForItsReaction) {
  EXPECT_EQ(reaction_to_sqlstate(GetParam().sqlstate), GetParam().reaction) << GetParam().sqlstate;
}

INSTANTIATE_TEST_SUITE_P(
    Transient, SqlState,
    ::testing::ValuesIn(std::vector<Case>{
        {"", Reaction::RetryForever},      // no answer from the server
        {"08000", Reaction::RetryForever}, // connection exceptions
        {"08001", Reaction::RetryForever}, // of a foreign table's server
        {"08003", Reaction::RetryForever}, {"08004", Reaction::RetryForever}, {"08006", Reaction::RetryForever},
        {"08007", Reaction::RetryForever}, {"40001", Reaction::RetryForever}, // serialization failure
        {"40P01", Reaction::RetryForever},                                    // deadlock
        {"40002", Reaction::RetryForever}, {"53100", Reaction::RetryForever}, // disk full
        {"53200", Reaction::RetryForever},                                    // out of memory
        {"53300", Reaction::RetryForever},                                    // too many connections
        {"55P03", Reaction::RetryForever},                                    // lock not available
        {"57P01", Reaction::RetryForever},                                    // administrator's shutdown
        {"57P02", Reaction::RetryForever},                                    // crash
        {"57P03", Reaction::RetryForever},                                    // cannot connect now
        {"57P05", Reaction::RetryForever}, {"25006", Reaction::RetryForever}, // read only: a standby not yet promoted
        {"25P03", Reaction::RetryForever},                                    // idle in transaction for too long
        {"XX000", Reaction::RetryForever}}));

INSTANTIATE_TEST_SUITE_P(Counted, SqlState,
                         ::testing::ValuesIn(std::vector<Case>{
                             {"57014", Reaction::RetryCounted}, // statement timeout
                             {"0A000", Reaction::RetryCounted}, // a cached plan's result type changed
                             {"26000", Reaction::RetryCounted}}));

INSTANTIATE_TEST_SUITE_P(OfOneEvent, SqlState,
                         ::testing::ValuesIn(std::vector<Case>{
                             {"21000", Reaction::Reject}, // cardinality violation
                             {"22P02", Reaction::Reject}, // invalid text representation
                             {"22021", Reaction::Reject}, // not in the encoding
                             {"22012", Reaction::Reject}, // division by zero
                             {"23505", Reaction::Reject}, // unique violation
                             {"23503", Reaction::Reject},
                             {"38000", Reaction::Reject}, // external routine
                             {"39004", Reaction::Reject},
                             {"44000", Reaction::Reject}, // WITH CHECK OPTION
                             {"54000", Reaction::Reject}, // program limit exceeded
                             {"P0001", Reaction::Reject}, // RAISE EXCEPTION
                             {"P0004", Reaction::Reject}}));

INSTANTIATE_TEST_SUITE_P(
    AnythingElse, SqlState,
    ::testing::ValuesIn(std::vector<Case>{
        {"08P01", Reaction::Fail},                            // another number of parameters than were given
        {"42601", Reaction::Fail},                            // syntax error
        {"42P01", Reaction::Fail},                            // undefined table
        {"42501", Reaction::Fail},                            // insufficient privilege
        {"25001", Reaction::Fail}, {"25P02", Reaction::Fail}, // failed transaction
        {"2D000", Reaction::Fail},                            // COMMIT in a procedure
        {"28P01", Reaction::Fail},                            // wrong password
        {"3F000", Reaction::Fail}, {"55000", Reaction::Fail}, // of class 55 only 55P03 is temporary
        {"55006", Reaction::Fail}, {"57000", Reaction::Fail}, {"58030", Reaction::Fail}, {"0A001", Reaction::Fail},
        {"26001", Reaction::Fail}, {"25007", Reaction::Fail}, {"72000", Reaction::Fail}, {"F0000", Reaction::Fail},
        {"HV000", Reaction::Fail}, {"XX001", Reaction::Fail}, // corrupted data does not get better by waiting
        {"XX002", Reaction::Fail}}));

TEST(ReactionTo, ALostConnectionIsTriedAgainWhateverTheServerSaidLast) {
  for (const char* sqlstate : {"", "08P01", "28P01", "3D000", "57P01", "0A000", "53300"}) {
    EXPECT_EQ(reaction_to({pg::Error::Kind::Connection, sqlstate, "lost"}), Reaction::RetryForever) << sqlstate;
  }
  EXPECT_EQ(reaction_to({pg::Error::Kind::Statement, "08P01", "refused"}), Reaction::Fail);
  EXPECT_EQ(reaction_to({pg::Error::Kind::Statement, "23505", "refused"}), Reaction::Reject);
}

TEST(ReactionTo, WhatAnotherSessionMadeAtTheSameTimeIsTriedAgain) {
  const auto reaction = [](const char* index) {
    return reaction_to({pg::Error::Kind::Statement, "23505",
                        fmt::format("duplicate key value violates unique constraint \"{}\"", index)});
  };
  EXPECT_EQ(reaction("pg_type_typname_nsp_index"), Reaction::RetryCounted);
  EXPECT_EQ(reaction("pg_class_relname_nsp_index"), Reaction::RetryCounted);
  EXPECT_EQ(reaction("pg_namespace_nspname_index"), Reaction::RetryCounted);
  EXPECT_EQ(reaction("orders_pkey"), Reaction::Reject);
}

TEST(PluginStatus, CallsForItsReaction) {
  EXPECT_EQ(reaction_to_status(PROJECTOR_RETRY), Reaction::RetryCounted);
  EXPECT_EQ(reaction_to_status(PROJECTOR_REJECT), Reaction::Reject);
  EXPECT_EQ(reaction_to_status(PROJECTOR_FATAL), Reaction::Fail);
  EXPECT_EQ(reaction_to_status(4711), Reaction::Fail);
  EXPECT_EQ(reaction_to_status(-1), Reaction::Fail);
}

TEST(PluginStatus, IsWhatAPluginIsToldOfAFailedStatement) {
  EXPECT_EQ(verdict_of(Reaction::RetryForever), PROJECTOR_RETRY);
  EXPECT_EQ(verdict_of(Reaction::RetryCounted), PROJECTOR_RETRY);
  EXPECT_EQ(verdict_of(Reaction::Reject), PROJECTOR_REJECT);
  EXPECT_EQ(verdict_of(Reaction::Fail), PROJECTOR_FATAL);
}

TEST(NarrowingLimit, IsTheBatchSizeWhileNothingIsNarrowed) {
  Narrowing narrowing;
  EXPECT_FALSE(narrowing.active());
  EXPECT_EQ(narrowing.limit(100), 100u);
  narrowing.passed(50);
  EXPECT_EQ(narrowing.limit(100), 100u);
}

TEST(NarrowingLimit, HalvesAndIsWholeAgainPastTheRejectedBatch) {
  Narrowing narrowing;
  EXPECT_FALSE(narrowing.rejected(100, PROJECTOR_NO_EVENT, 100));
  EXPECT_TRUE(narrowing.active());
  EXPECT_EQ(narrowing.limit(100), 50u);
  EXPECT_EQ(narrowing.limit(20), 20u) << "never more than a batch";
  narrowing.passed(50);
  EXPECT_EQ(narrowing.limit(100), 25u);
  narrowing.passed(99);
  EXPECT_TRUE(narrowing.active());
  narrowing.passed(100);
  EXPECT_FALSE(narrowing.active());
  EXPECT_EQ(narrowing.limit(100), 100u);
}

TEST(NarrowingLimit, TakesThePluginsWordForTheEvent) {
  Narrowing narrowing;
  EXPECT_FALSE(narrowing.rejected(100, 37, 100));
  EXPECT_EQ(narrowing.limit(100), 37u) << "the events before it";
  narrowing = {};
  EXPECT_FALSE(narrowing.rejected(100, 0, 100));
  EXPECT_EQ(narrowing.limit(100), 1u);
  narrowing = {};
  EXPECT_FALSE(narrowing.rejected(100, 100, 100)) << "an index that is not in the batch is no word";
  EXPECT_EQ(narrowing.limit(100), 50u);
  EXPECT_TRUE(narrowing.rejected(1, 0, 100));
  EXPECT_TRUE(narrowing.rejected(1, PROJECTOR_NO_EVENT, 100));
}

/// A simple worker: it cuts positions 1..n into batches as Narrowing says, and rejects the `bad` positions.
struct Simulation {
  std::uint32_t batch_size;
  std::int64_t n;
  std::vector<std::int64_t> bad;
  enum class Word { None, Right, AlwaysFirst, AlwaysLast } word;

  std::vector<std::int64_t> passed;
  int handled = 0; ///< batches

  [[nodiscard]] bool is_bad(std::int64_t position) const {
    return std::find(bad.begin(), bad.end(), position) != bad.end();
  }

  /// Runs until one event is found to be at fault, and returns its position; 0 if all events passed.
  std::int64_t run(std::int64_t position = 0) {
    Narrowing narrowing;
    while (position < n) {
      const auto to = std::min<std::int64_t>(n, position + narrowing.limit(batch_size));
      if (++handled > 10000) {
        return -1;
      }
      std::uint32_t index = PROJECTOR_NO_EVENT;
      for (std::int64_t event = to; event > position; --event) {
        if (is_bad(event)) {
          index = static_cast<std::uint32_t>(event - position - 1);
        }
      }
      if (index == PROJECTOR_NO_EVENT) {
        for (std::int64_t event = position + 1; event <= to; ++event) {
          passed.push_back(event);
        }
        position = to;
        narrowing.passed(position);
        continue;
      }
      const auto size = static_cast<std::uint32_t>(to - position);
      const std::uint32_t told = word == Word::Right         ? index
                                 : word == Word::AlwaysFirst ? 0
                                 : word == Word::AlwaysLast  ? size - 1
                                                             : PROJECTOR_NO_EVENT;
      if (narrowing.rejected(size, told, to)) {
        return position + 1;
      }
    }
    return 0;
  }
};

std::vector<std::int64_t> up_to(std::int64_t last) {
  std::vector<std::int64_t> positions;
  for (std::int64_t position = 1; position <= last; ++position) {
    positions.push_back(position);
  }
  return positions;
}

TEST(Narrowing, FindsTheOneBadEventWhereverItIs) {
  for (std::uint32_t size = 1; size <= 100; ++size) {
    for (std::int64_t bad = 1; bad <= size; ++bad) {
      for (const auto word : {Simulation::Word::None, Simulation::Word::Right, Simulation::Word::AlwaysFirst,
                              Simulation::Word::AlwaysLast}) {
        Simulation simulation{size, size, {bad}, word, {}, 0};
        ASSERT_EQ(simulation.run(), bad) << "of " << size << ", word " << static_cast<int>(word);
        ASSERT_EQ(simulation.passed, up_to(bad - 1)) << "of " << size << ": each good event before it once, in order";
        if (word == Simulation::Word::None) {
          ASSERT_LE(simulation.handled, 2 * 7 + 2) << "halving, not one by one: " << bad << " of " << size;
        } else if (word == Simulation::Word::Right) {
          ASSERT_LE(simulation.handled, 4) << bad << " of " << size;
        }
      }
    }
  }
}

TEST(Narrowing, FindsTheFirstOfSeveral) {
  for (std::int64_t first = 1; first <= 20; ++first) {
    for (std::int64_t second = first + 1; second <= 20; ++second) {
      Simulation simulation{20, 20, {first, second}, Simulation::Word::None, {}, 0};
      ASSERT_EQ(simulation.run(), first);
      ASSERT_EQ(simulation.passed, up_to(first - 1));
    }
  }
}

TEST(Narrowing, BatchesAreWholeAgainBehindATroubleThatPasses) {
  Narrowing narrowing;
  EXPECT_FALSE(narrowing.rejected(8, PROJECTOR_NO_EVENT, 8));
  for (std::int64_t position = 4; position < 8; ++position) {
    narrowing.passed(position);
    EXPECT_TRUE(narrowing.active());
  }
  narrowing.passed(8);
  EXPECT_FALSE(narrowing.active());
  EXPECT_FALSE(narrowing.rejected(8, PROJECTOR_NO_EVENT, 16)) << "and narrows the next one anew";
  EXPECT_EQ(narrowing.limit(8), 4u);
}

} // namespace
} // namespace projector::projection
