#include "config/unknown_key.hpp"

#include <gtest/gtest.h>

namespace projector::config {
namespace {

const std::vector<std::string_view> kKeys{"batch_size", "batch_bytes", "pool_max", "pool_size", "dsn"};

TEST(Nearest, IsTheOneWithTheFewestEdits) {
  EXPECT_EQ(nearest("batch_size", kKeys), "batch_size");
  EXPECT_EQ(nearest("bacth_size", kKeys), "batch_size") << "two letters swapped";
  EXPECT_EQ(nearest("batchsize", kKeys), "batch_size") << "one left out";
  EXPECT_EQ(nearest("batch_sizes", kKeys), "batch_size") << "one too many";
  EXPECT_EQ(nearest("patch_bites", kKeys), "batch_bytes") << "two replaced";
  EXPECT_EQ(nearest("pool_siz", kKeys), "pool_size");
  EXPECT_EQ(nearest("dns", kKeys), "dsn");
}

TEST(Nearest, IsNothingWhenAllAreFar) {
  EXPECT_EQ(nearest("zebra", kKeys), std::nullopt);
  EXPECT_EQ(nearest("", kKeys), std::nullopt);
  EXPECT_EQ(nearest("ds", {"xyz"}), std::nullopt);
  EXPECT_EQ(nearest(std::string(65, 'a'), {std::string(65, 'a')}), std::nullopt);
  EXPECT_EQ(nearest("batch_size", {}), std::nullopt);
}

TEST(Nearest, IsTheFirstOfEquals) {
  EXPECT_EQ(nearest("pool_saxe", {"pool_sixe", "pool_same"}), "pool_sixe");
}

} // namespace
} // namespace projector::config
