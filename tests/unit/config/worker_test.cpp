#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using testing::ElementsAre;

class Worker : public testing::Test {
protected:
  Worker() { sources.environment("PROJECTORD_DSN", "dbname=app").main(""); }
  std::optional<WorkerShare> worker() { return sources.configuration().worker; }
  Sources sources;
};

TEST_F(Worker, LayersLieOverEachOther) {
  EXPECT_EQ(worker(), std::nullopt);
  sources.main("[worker]\nid = 1\ntotal = 10\n");
  EXPECT_EQ(worker(), (WorkerShare{1, 10}));
  sources.environment("WORKER_ID", "2");
  EXPECT_EQ(worker(), (WorkerShare{2, 10}));
  sources.environment("TOTAL_WORKERS", "11");
  EXPECT_EQ(worker(), (WorkerShare{2, 11}));
  sources.set("worker.id=3").set("worker.total=12");
  EXPECT_EQ(worker(), (WorkerShare{3, 12}));
  sources.overrides.worker_id = "4";
  sources.overrides.total_workers = "13";
  EXPECT_EQ(worker(), (WorkerShare{4, 13}));
}

TEST_F(Worker, IdIsTheNumberAtTheEndOfAName) {
  sources.environment("TOTAL_WORKERS", "16");
  for (const auto& [name, id] : std::map<std::string, std::uint32_t>{
           {"projection-worker-3", 3}, {"w0", 0}, {"pod-10-12", 12}, {"worker-007", 7}, {"5", 5}}) {
    sources.environment("WORKER_ID", name);
    EXPECT_EQ(worker(), (WorkerShare{id, 16})) << name;
  }
  sources.environment("WORKER_ID", "").main("[worker]\nid = \"projection-worker-9\"\n");
  EXPECT_EQ(worker(), (WorkerShare{9, 16}));
}

TEST_F(Worker, APodsNameIsAnIdWhereverItIsGiven) {
  sources.main("[worker]\ntotal = 4\n").environment("WORKER_ID", "projection-worker-3");
  EXPECT_EQ(worker(), (WorkerShare{3, 4}));
  sources.environment("TOTAL_WORKERS", "8").set("worker.id=projection-worker-5");
  EXPECT_EQ(worker(), (WorkerShare{5, 8}));
  sources.overrides.worker_id = "projection-worker-7";
  EXPECT_EQ(worker(), (WorkerShare{7, 8}));
}

TEST_F(Worker, AnIdOfAnOptionOrTheFileNeedsATotalToo) {
  sources.overrides.worker_id = "projection-worker-3";
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("--worker-id: worker.id is 3, but the number of workers is not set; set worker.total, "
                          "TOTAL_WORKERS or --total-workers"));
  sources.overrides.worker_id.reset();
  sources.environment("TOTAL_WORKERS", "").main("[worker]\nid = 3\n");
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("main.toml:2:6: worker.id is 3, but the number of workers is not set; set worker.total, "
                          "TOTAL_WORKERS or --total-workers"));
}

TEST_F(Worker, AnIdWithoutTotalNamesTheWays) {
  sources.environment("WORKER_ID", "w-3");
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("WORKER_ID: worker.id is 3, but the number of workers is not set; set "
                          "worker.total, TOTAL_WORKERS or --total-workers"));
}

TEST_F(Worker, ATotalWithoutIdNamesTheWays) {
  sources.overrides.total_workers = "4";
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("--total-workers: worker.total is 4, but this worker's number is not set; set worker.id, "
                          "WORKER_ID or --worker-id"));
}

TEST_F(Worker, AnIdNotBelowTheTotalNamesBothSources) {
  sources.environment("WORKER_ID", "4").main("[worker]\ntotal = 4\n");
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("WORKER_ID: worker.id is 4, expected it below worker.total, which is 4 (main.toml:2:9); ids "
                          "count from 0"));
}

TEST_F(Worker, ATotalThatShrinksLeavesTheHighestIdsOut) {
  sources.main("[worker]\nid = 3\ntotal = 4\n");
  EXPECT_EQ(worker(), (WorkerShare{3, 4}));
  sources.overrides.total_workers = "3";
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("main.toml:2:6: worker.id is 3, expected it below worker.total, which is 3 "
                          "(--total-workers); ids count from 0"));
}

TEST_F(Worker, WhatIsNoNumberIsRefused) {
  sources.environment("WORKER_ID", "worker").environment("TOTAL_WORKERS", "four");
  EXPECT_THAT(
      sources.main_problems(),
      ElementsAre("WORKER_ID: worker.id: found the string \"worker\", expected a number from 0 to 1023, or a name "
                  "that ends in one, such as \"projection-worker-3\"",
                  "TOTAL_WORKERS: worker.total: found the string \"four\", expected a whole number from 1 to "
                  "1024"));
  sources.environment("WORKER_ID", "w-99999999999999999999").environment("TOTAL_WORKERS", "1025");
  EXPECT_THAT(
      sources.main_problems(),
      ElementsAre("WORKER_ID: worker.id: found the string \"w-99999999999999999999\", expected a number from 0 to "
                  "1023, or a name that ends in one, such as \"projection-worker-3\"",
                  "TOTAL_WORKERS: worker.total: found the integer 1025, expected a whole number from 1 to 1024"));
}

TEST_F(Worker, PartitionsDefaultToItsTotal) {
  sources.main("[projection.a]\n[projection.b]\npartitions = 8\n");
  EXPECT_EQ(sources.configuration().projections.at("a").partitions, 1u);
  sources.environment("WORKER_ID", "0").environment("TOTAL_WORKERS", "4");
  const Configuration configuration = sources.configuration();
  EXPECT_EQ(configuration.projections.at("a").partitions, 4u);
  EXPECT_EQ(configuration.projections.at("b").partitions, 8u);
  EXPECT_EQ(configuration.defaults.partitions, 4u);
  sources.set("defaults.partitions=6");
  EXPECT_EQ(sources.configuration().projections.at("a").partitions, 6u);
}

TEST_F(Worker, FewerPartitionsThanWorkersIsAWarning) {
  sources.main(
      "[defaults]\npartitions = 3\n[projection.a]\n[projection.b]\npartitions = 1\n[projection.c]\npartitions = 4\n");
  sources.environment("WORKER_ID", "0").environment("TOTAL_WORKERS", "4");
  EXPECT_THAT(
      sources.messages(sources.load().warnings),
      ElementsAre(
          "main.toml:2:14: defaults.partitions is 3 but worker.total is 4: 1 of the workers run no partition of "
          "it",
          "main.toml:5:14: projection.b.partitions is 1 but worker.total is 4: 3 of the workers run "
          "no partition of it"));
  sources.environment("WORKER_ID", "").environment("TOTAL_WORKERS", "");
  EXPECT_TRUE(sources.load().warnings.empty());
}

} // namespace
} // namespace projector::config::test
