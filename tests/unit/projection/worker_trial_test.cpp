#include "projection/worker_trial.hpp"

#include <gtest/gtest.h>

namespace projector::projection {
namespace {

constexpr base::Duration kTime = std::chrono::seconds(10);
const base::TimePoint kStart{std::chrono::hours(1)};

std::shared_ptr<std::atomic<bool>> trial() {
  return std::make_shared<std::atomic<bool>>(true);
}

TEST(WorkerTrial, APositionBehindTakenEventsThatIsStoredPassesItOnce) {
  WorkerTrial worker(trial(), kTime);
  EXPECT_FALSE(worker.stored(100)) << "no event was taken";
  worker.took(10);
  worker.took(20);
  EXPECT_FALSE(worker.stored(9));
  EXPECT_TRUE(worker.running());
  EXPECT_TRUE(worker.stored(10));
  EXPECT_FALSE(worker.running());
  EXPECT_FALSE(worker.stored(20)) << "it has passed already";
}

TEST(WorkerTrial, TimeWithoutAnEventPassesIt) {
  WorkerTrial worker(trial(), kTime);
  EXPECT_FALSE(worker.idle(kStart + kTime)) << "it has not begun";
  worker.begin(kStart);
  worker.begin(kStart + kTime);
  EXPECT_EQ(worker.ends_at(), kStart + kTime) << "only the first begin counts";
  EXPECT_FALSE(worker.idle(kStart));
  EXPECT_TRUE(worker.idle(kStart + kTime));
  EXPECT_EQ(worker.ends_at(), std::nullopt);
}

TEST(WorkerTrial, WithoutAnOlderGenerationThereIsNone) {
  WorkerTrial worker(nullptr, kTime);
  worker.begin(kStart);
  EXPECT_FALSE(worker.running());
  EXPECT_FALSE(worker.idle(kStart + kTime));
  EXPECT_EQ(worker.ends_at(), std::nullopt);
}

TEST(WorkerTrial, ItEndsWithTheOneOfTheGeneration) {
  const auto running = trial();
  WorkerTrial worker(running, kTime);
  worker.begin(kStart);
  *running = false;
  EXPECT_FALSE(worker.running());
  EXPECT_FALSE(worker.idle(kStart + kTime));
}

} // namespace
} // namespace projector::projection
