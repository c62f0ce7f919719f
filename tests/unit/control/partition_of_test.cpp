#include "control/partition_of.hpp"

#include "support/random_text.hpp"

#include <gtest/gtest.h>

#include <bitset>

namespace projector::control {
namespace {

/// A second implementation of the hash, in 64-bit arithmetic and with the prime split into 2^24 + 2^8 + 0x93.
std::uint32_t plain_fnv1a(const std::string& text) {
  std::uint64_t hash = 0x811C9DC5;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::bitset<8> byte(static_cast<unsigned long long>(text[at] & 0xFF));
    hash ^= byte.to_ullong();
    hash = (hash * (1ULL << 24) + hash * (1ULL << 8) + hash * 0x93) % (1ULL << 32);
  }
  return static_cast<std::uint32_t>(hash);
}

TEST(PartitionOf, IsTheHashModuloThePartitions) {
  EXPECT_EQ(partition_of("foobar", 12), 0xbf9cf968u % 12);
  EXPECT_EQ(partition_of("", 1000), 0x811c9dc5u % 1000) << "above 2^31: the hash has no sign";
  EXPECT_EQ(partition_of("anything", 1), 0u);
}

TEST(PartitionOf, RandomIdsGoWhereThePlainDefinitionPutsThem) {
  std::mt19937 random(20240611);
  std::size_t above = 0;
  for (int n = 0; n < 10000; ++n) {
    const auto id = test::random_text(random, random() % 40);
    const auto partitions = static_cast<std::uint32_t>(1 + random() % 1024);
    ASSERT_EQ(partition_of(id, partitions), plain_fnv1a(id) % partitions) << id;
    ASSERT_EQ(refuse_aggregate_id(id), "") << id;
    above += plain_fnv1a(id) >> 31;
  }
  EXPECT_GT(above, 4000u);
}

TEST(PartitionOf, AnIdThatIsNotUtf8IsRefused) {
  EXPECT_EQ(refuse_aggregate_id("caf\xe9"),
            "caf\xEF\xBF\xBD is not UTF-8, which every aggregate id is hashed as: check the terminal's locale");
  EXPECT_EQ(refuse_aggregate_id("caf\xc3\xa9 \xEF\xBF\xBD"), "");
  EXPECT_EQ(refuse_aggregate_id(""), "");
}

TEST(PartitionText, NamesPartitionCheckpointAndWorker) {
  // From the published hashes 0xe40c292c, 0xe70c2de5 and 0xbf9cf968.
  EXPECT_EQ(partition_text({"a", "b", "foobar"}, 12, 5), "AGGREGATE  PARTITION  CHECKPOINT  WORKER\n"
                                                         "a          4/12       NAME_p4     4/5\n"
                                                         "b          1/12       NAME_p1     1/5\n"
                                                         "foobar     4/12       NAME_p4     4/5\n");
  EXPECT_EQ(partition_text({"a"}, 1, {}), "AGGREGATE  PARTITION  CHECKPOINT\n"
                                          "a          0/1        NAME\n");
}

} // namespace
} // namespace projector::control
