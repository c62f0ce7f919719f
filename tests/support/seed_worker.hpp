#pragma once

#include "pg/connection.hpp"

#include <cstdint>
#include <string>

namespace projector::test {

/// A worker of the seed library, pupsourcing, in what it does to the database: it reads the events above its row of
/// projection_checkpoints in the order of their positions, writes down those of its partition as handled, and moves the
/// row over all that it read, in one transaction. It trusts positions: it never looks below its row again. Owned by a
/// test; its thread only.
class SeedWorker {
public:
  /// Partition `partition` of `partitions` of the projection `name`. Makes the tables seed_seen(global_position,
  /// partition) and projection_checkpoints where they are absent.
  SeedWorker(const std::string& dsn, std::string name, std::uint32_t partition = 0, std::uint32_t partitions = 1);
  /// One batch of at most `limit` events; how many events it read.
  std::size_t run_batch(int limit = 100);
  /// Batches until none is left.
  void run_until_caught_up();

private:
  std::string name_; ///< of its row
  std::uint32_t partition_;
  std::uint32_t partitions_;
  pg::Connection connection_;
};

} // namespace projector::test
