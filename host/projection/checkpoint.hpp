#pragma once

#include "config/configuration.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace projector::projection {

/// Which checkpoint: one partition of one projection.
struct CheckpointKey {
  std::string base; ///< the projection's `checkpoint`
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  /// <base> where there is one partition, <base>_p<partition> where there are more.
  [[nodiscard]] std::string name() const;
};

/// What is stored for a partition.
struct Checkpoint {
  std::int64_t position = 0;
  std::int64_t highest = 0; ///< the highest position it ever had: below it, events are handled for a rebuild
  std::int64_t epoch = 0;
  bool fresh = false; ///< made by this open: nothing was ever handled
};

/// What `open_checkpoint` holds the stored rows against.
struct CheckpointRequest {
  CheckpointKey key;
  std::string projection;
  std::string plugin;
  std::uint32_t read_model_version = 0;
  std::string store;               ///< identity of the event store
  std::int64_t store_last = 0;     ///< the last value of the store's sequence
  std::int64_t start_position = 0; ///< where to begin without a checkpoint
};

struct OpenedCheckpoint {
  std::optional<Checkpoint> checkpoint;
  std::string refusal; ///< why it does not fit, and the way out
  /// Refused because it stands here, above store_last: another host may just know of later events than this one.
  std::optional<std::int64_t> above_store;
};

/// Reads a partition's checkpoint, takes one over from the mirror table where the host's own tables know nothing of it,
/// or makes it; durably, in one transaction, one host at a time for each projection. Throws pg::Error, pg::Interrupted.
OpenedCheckpoint open_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                 const CheckpointRequest& request);

/// The stored row as it is now; nothing where it is missing. Throws pg::Error, pg::Interrupted.
std::optional<Checkpoint> read_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                          const CheckpointKey& key);

/// As read_checkpoint, once no transaction holds the row any more: tells what a COMMIT of unknown outcome came to.
/// Throws pg::Error of 55P03 where one holds it for seconds.
std::optional<Checkpoint> read_checkpoint_at_rest(pg::Connection& connection, const CheckpointTables& tables,
                                                  const CheckpointKey& key);

/// Whether another host than `host` has shown life for this partition within `interval`.
bool other_host_alive(pg::Connection& connection, const CheckpointTables& tables, const CheckpointKey& key,
                      const std::string& host, base::Duration interval);

} // namespace projector::projection
