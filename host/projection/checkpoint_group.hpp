#pragma once

#include "pg/connection.hpp"
#include "projection/checkpoint.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace projector::projection {

/// One checkpoint that moves without a transaction of its own: the batches since `stored` ran no statement.
struct GroupedMove {
  CheckpointKey key;
  std::int64_t stored = 0;
  std::int64_t position = 0;
  std::int64_t epoch = 0;
};

enum class MoveAnswer {
  Written,
  Busy,  ///< the row or the mirrored one is locked by somebody just now: ask again
  Moved, ///< one of the two is not at `stored` or is gone, or the epoch or partition count has changed
};

/// Writes many checkpoints in one transaction of two round trips; an answer for each, in the same order. Never waits
/// for a row that is locked, and for a lock on a whole table for `lock_timeout` at most. Throws pg::Error,
/// pg::Interrupted: nothing is known of any of them then.
///
/// With `confirm`, that is asked when the transaction has begun: where it is false nothing is written, and there are no
/// answers.
std::vector<MoveAnswer> write_checkpoints(pg::Connection& connection, const CheckpointTables& tables,
                                          const std::vector<GroupedMove>& moves,
                                          base::Duration lock_timeout = std::chrono::seconds(1),
                                          const std::function<bool()>& confirm = {});

} // namespace projector::projection
