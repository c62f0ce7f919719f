#include "projection/adoption_plan.hpp"

#include <gmock/gmock.h>

namespace projector::projection {
namespace {

using testing::HasSubstr;
using Rows = std::vector<ForeignRow>;

AdoptionRequest request(std::uint32_t partitions, bool lowest = false) {
  return {.projection = "revenue",
          .checkpoint = "revenue",
          .partitions = partitions,
          .lowest = lowest,
          .missing_at = 0,
          .table = "public.projection_checkpoints"};
}

OwnRows own_rows(std::uint32_t partitions, std::map<std::string, std::int64_t> positions) {
  return {partitions, std::move(positions)};
}

/// Lists each partition as "name found -> position (handled)", then the names of the surplus rows.
std::string text(const AdoptionPlan& plan) {
  std::string all = plan.refusal;
  for (const auto& one : plan.partitions) {
    all += one.name + " " + (one.found ? std::to_string(*one.found) : "-") + " -> " + std::to_string(one.position) +
           " (" + std::to_string(one.handled) + ") ";
  }
  for (const auto& row : plan.surplus) {
    all += "without " + row.name + " ";
  }
  return all;
}

const Rows kThreeOfFour = {{"revenue_p0", 30, 5}, {"revenue_p1", 31, 5}, {"revenue_p2", 32, 5}};

TEST(AdoptionPlan, APartitionThatNeverRanStartsAtTheBeginning) {
  EXPECT_EQ(text(plan_adoption(request(4), kThreeOfFour, {})),
            "revenue_p0 30 -> 30 (30) revenue_p1 31 -> 31 (31) revenue_p2 32 -> 32 (32) revenue_p3 - -> 0 (0) ");
  auto from_there = request(4);
  from_there.missing_at = 12;
  EXPECT_EQ(plan_adoption(from_there, kThreeOfFour, {}).partitions[3].position, 12);
}

TEST(AdoptionPlan, RowsOfAnEarlierCountGoWhereAllThatCountAreNewer) {
  const Rows rows = {
      {"revenue", 7, 1}, {"revenue_p0", 30, 5}, {"revenue_p1", 31, 5}, {"revenue_p2", 20, 3}, {"revenue_p3", 21, 4}};
  EXPECT_EQ(text(plan_adoption(request(2), rows, {})),
            "revenue_p0 30 -> 30 (30) revenue_p1 31 -> 31 (31) without revenue without revenue_p2 without revenue_p3 ");
}

TEST(AdoptionPlan, RowsThatAreAsNewAsThoseOfTheCountAreRefusedOrMakeItStartAtTheLowest) {
  const Rows rows = {{"revenue_p0", 30, 5}, {"revenue_p1", 31, 5}, {"revenue_p2", 20, 5}, {"revenue_p3", 41, 6}};
  const auto refused = plan_adoption(request(2), rows, {});
  EXPECT_THAT(refused.refusal,
              HasSubstr("that the old workers last ran with 2 partitions: revenue_p2, revenue_p3 are no "
                        "partition of that count, and they are not older than the rows that are"));
  EXPECT_EQ(text(plan_adoption(request(2, true), rows, {})),
            "revenue_p0 30 -> 20 (41) revenue_p1 31 -> 20 (41) without revenue_p2 without revenue_p3 ");
}

TEST(AdoptionPlan, RowsWithoutATimeAreNeverTakenForOlder) {
  const Rows rows = {{"revenue_p0", 30, {}}, {"revenue_p1", 31, {}}, {"segment 2 of 4", 20, {}}};
  EXPECT_THAT(plan_adoption(request(2), rows, {}).refusal, HasSubstr("segment 2 of 4 is no partition of that count"));
}

TEST(AdoptionPlan, APartitionThatNeverRanMayHaveBeenHandledByTheWorkersOfAnotherCount) {
  const Rows rows = {{"revenue", 25, 1}, {"revenue_p0", 30, 5}};
  EXPECT_EQ(text(plan_adoption(request(2), rows, {})),
            "revenue_p0 30 -> 30 (30) revenue_p1 - -> 0 (25) without revenue ");
}

TEST(AdoptionPlan, ACountOfWhichThereIsNoRowIsRefused) {
  EXPECT_THAT(plan_adoption(request(1), kThreeOfFour, {}).refusal,
              HasSubstr("has no row of 1 partitions: found revenue_p0, revenue_p1, revenue_p2, expected revenue;"));
  EXPECT_THAT(plan_adoption(request(4), {{"revenue", 7, 1}}, {}).refusal,
              HasSubstr("found revenue, expected revenue_p0 to revenue_p3; name the count that the old workers ran"));
  EXPECT_THAT(plan_adoption(request(4), {}, {}).refusal, HasSubstr("there is nothing to take over"));
}

TEST(AdoptionPlan, ContinuesAfterTheEventsThatAnotherProgramHasHandled) {
  const auto own = own_rows(2, {{"revenue_p0", 20}, {"revenue_p1", 31}});
  const auto plan = plan_adoption(request(2), {{"revenue_p0", 30, 5}, {"revenue_p1", 31, 5}}, own);
  EXPECT_EQ(text(plan), "revenue_p0 30 -> 30 (30) revenue_p1 31 -> 31 (31) ");
  EXPECT_EQ(plan.partitions[0].own, 20);
}

TEST(AdoptionPlan, ARowBehindThisHostsOwnPositionIsRefusedOrTaken) {
  const auto own = own_rows(1, {{"revenue", 40}});
  EXPECT_THAT(plan_adoption(request(1), {{"revenue", 30, 5}}, own).refusal,
              HasSubstr("says 30 for revenue, behind this host's own position 40: to keep this host's position, run "
                        "UPDATE public.projection_checkpoints SET last_global_position = 40 WHERE projection_name = "
                        "'revenue' and this again"));
  EXPECT_EQ(text(plan_adoption(request(1, true), {{"revenue", 30, 5}}, own)), "revenue 30 -> 30 (40) ");
}

TEST(AdoptionPlan, RowsThatOnlyThisHostWroteAreRepartitionedAndNotTakenOver) {
  const auto own = own_rows(2, {{"revenue_p0", 30}, {"revenue_p1", 31}});
  const Rows rows = {{"revenue_p0", 30, 5}, {"revenue_p1", 31, 5}};
  EXPECT_THAT(plan_adoption(request(4), rows, own).refusal, HasSubstr("projectorctl repartition revenue --to 4"));
  EXPECT_EQ(plan_adoption(request(2), rows, own).refusal, "");
  const Rows moved = {{"revenue_p0", 50, 5}, {"revenue_p1", 51, 5}, {"revenue_p2", 52, 5}, {"revenue_p3", 53, 5}};
  EXPECT_EQ(plan_adoption(request(4), moved, own).refusal, "") << "the other program has run with four since";
}

TEST(AdoptionPlan, APartitionWhoseRowWasDeletedStartsAnew) {
  const auto own = own_rows(2, {{"revenue_p0", 20}, {"revenue_p1", 31}});
  EXPECT_EQ(text(plan_adoption(request(2), {{"revenue_p0", 30, 5}}, own)),
            "revenue_p0 30 -> 30 (30) revenue_p1 - -> 0 (31) ");
}

} // namespace
} // namespace projector::projection
