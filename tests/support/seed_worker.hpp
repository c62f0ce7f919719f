#pragma once

#include "pg/connection.hpp"

#include <cstdint>
#include <string>

namespace projector::test {

/// Imitates a worker of the seed library, pupsourcing: in one transaction it reads the events above its checkpoint in
/// order of position, records those of its partition as handled, and stores the last position that it read. It never
/// reads below its checkpoint again. Owned by a test; its thread only.
class SeedWorker {
public:
  /// Partition `partition` of `partitions` of the projection `name`. Creates the tables seed_seen(global_position,
  /// partition) and projection_checkpoints if they do not exist.
  SeedWorker(const std::string& dsn, std::string name, std::uint32_t partition = 0, std::uint32_t partitions = 1);
  /// Handles one batch of at most `limit` events; returns how many it read.
  std::size_t run_batch(int limit = 100);
  /// Handles batches until no event is left.
  void run_until_caught_up();

private:
  std::string name_; ///< of its checkpoint
  std::uint32_t partition_;
  std::uint32_t partitions_;
  pg::Connection connection_;
};

} // namespace projector::test
