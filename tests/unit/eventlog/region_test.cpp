#include "eventlog/region.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace projector::eventlog {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMiB = 1u << 20;

/// What this process has in memory of files in memory, as the system counts it.
std::size_t resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssShmem:")) {
      return std::stoull(line.substr(9)) * 1024;
    }
  }
  return 0;
}

TEST(Region, BlocksAreWholePagesThatKeepTheirContent) {
  const auto region = Region::create(kMiB);
  auto first = region->allocate(1);
  auto second = region->allocate(kPage + 1);
  EXPECT_EQ(first.size(), kPage);
  EXPECT_EQ(second.size(), 2 * kPage);
  std::memset(first.data(), 'a', first.size());
  std::memset(second.data(), 'b', second.size());
  Region::Block moved = std::move(first);
  EXPECT_EQ(first.data(), nullptr); // NOLINT: what is left is defined
  EXPECT_EQ(std::string(moved.data(), kPage), std::string(kPage, 'a'));
  EXPECT_EQ(std::string(second.data(), second.size()), std::string(2 * kPage, 'b'));
  EXPECT_EQ(region->usage().in_use, 3 * kPage);
  second = {};
  EXPECT_EQ(region->usage().in_use, kPage);
  EXPECT_EQ(region->usage().kept, 2 * kPage);
}

TEST(Region, FreePagesAreUsedAgainAndJoined) {
  const auto region = Region::create(kMiB);
  std::vector<Region::Block> blocks;
  for (int count = 0; count < 4; ++count) {
    blocks.push_back(region->allocate(kPage));
  }
  char* const place = blocks.front().data();
  for (const std::size_t next : {1u, 3u, 0u, 2u}) {
    blocks[next] = {};
  }
  const auto whole = region->allocate(4 * kPage);
  EXPECT_EQ(whole.data(), place);
  EXPECT_EQ(region->usage().kept, 0u);
}

TEST(Region, FreePagesAboveTheLimitReturnToTheSystem) {
  const std::size_t before = resident();
  const auto region = Region::create(8 * kMiB);
  std::vector<Region::Block> blocks;
  for (int count = 0; count < 64; ++count) {
    blocks.push_back(region->allocate(kMiB));
    std::memset(blocks.back().data(), 'x', kMiB);
  }
  EXPECT_GE(resident() - before, 64 * kMiB);
  while (blocks.size() > 4) {
    blocks.pop_back();
  }
  EXPECT_EQ(region->usage().kept, 4 * kMiB);
  EXPECT_LE(resident() - before, 8 * kMiB);
  // Larger than each free piece: the pieces make room for it first.
  const auto large = region->allocate(6 * kMiB);
  std::memset(large.data(), 'x', large.size());
  EXPECT_LE(resident() - before, 10 * kMiB);
}

TEST(Region, ABlockOutlivesWhoMadeTheRegion) {
  auto region = Region::create(kMiB);
  auto block = region->allocate(kPage);
  region.reset();
  std::memset(block.data(), 'x', block.size());
}

TEST(Region, ThreadsNeverShareABlock) {
  const auto region = Region::create(kMiB);
  const auto work = [&](unsigned number) {
    std::mt19937 random(number);
    std::vector<Region::Block> blocks;
    for (int step = 0; step < 3000; ++step) {
      if (blocks.size() < 20) {
        blocks.push_back(region->allocate(1 + random() % (20 * kPage)));
        std::memset(blocks.back().data(), static_cast<int>(number), blocks.back().size());
      } else {
        const std::size_t next = random() % blocks.size();
        const auto& block = blocks[next];
        ASSERT_EQ(block.data()[0], static_cast<char>(number));
        ASSERT_EQ(std::memcmp(block.data(), block.data() + 1, block.size() - 1), 0);
        blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(next));
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned number = 1; number <= 4; ++number) {
      threads.emplace_back(work, number);
    }
  }
  EXPECT_EQ(region->usage().in_use, 0u);
  EXPECT_LE(region->usage().kept, kMiB);
}

} // namespace
} // namespace projector::eventlog
