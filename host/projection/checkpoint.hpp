#pragma once

#include "config/configuration.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

/// What `open_checkpoint` compares the stored rows with.
struct CheckpointRequest {
  CheckpointKey key;
  std::string projection;
  std::string plugin;
  std::uint32_t read_model_version = 0;
  std::string store;                          ///< identity of the event store
  std::int64_t store_last = 0;                ///< the last value of the store's sequence
  std::optional<std::int64_t> start_position; ///< where to start without a checkpoint; nothing: not known yet
  /// What may be done about a read model that has to be rebuilt.
  struct Rebuild {
    bool automatic = false;  ///< where the plugin makes another version of it
    bool requested = false;  ///< where an operator has asked for it
    bool resettable = false; ///< the plugin has a reset
    bool leads = true;       ///< this partition does it for the whole projection
  };
  Rebuild rebuild;
  std::string schema;         ///< of the configuration; empty: the session's current one
  bool autostarted = false;   ///< no [projection] table was there
  bool shares_tables = false; ///< the plugin does not keep the tables of several projections apart
  std::string host;           ///< that asks, as in projector_workers
};

struct OpenedCheckpoint {
  std::optional<Checkpoint> checkpoint = {};
  std::string refusal = {}; ///< why the checkpoint cannot be used, and what to do about it
  enum class Next {
    Continue, ///< from the checkpoint
    Reset,    ///< the read model is to be emptied in the transaction that moves the checkpoint next
    Wait,     ///< for the partition that leads to do that
    NeedStart ///< a row is to be made, and the request does not say where to start
  };
  Next next = Next::Continue;
  /// Refused because it stands here, above store_last: another host may just know of later events than this one.
  std::optional<std::int64_t> above_store = {};
};

/// Takes the lock that lets one transaction at a time change the rows of all of a projection's partitions; $1 is the
/// base name of its checkpoint. The transaction takes it before any row, and its end gives it back.
inline constexpr const char* kLockProjection = "SELECT pg_advisory_xact_lock(hashtext('projectord'), hashtext($1))";
/// Runs kLockProjection. Throws pg::Error, of 55P03 after the session's lock_timeout; pg::Interrupted.
void lock_projection(pg::Connection& connection, const std::string& base);

/// Reads a partition's checkpoint, takes one over from the mirror table where the host's own tables know nothing of it,
/// or makes it; durably, in one transaction, one host at a time for each projection. Throws pg::Error, pg::Interrupted.
OpenedCheckpoint open_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                 const CheckpointRequest& request);

/// What open_checkpoint would come to with the rows as they are now; writes and locks nothing. Tables that are not
/// there have empty names. Whether an operator has asked for a rebuild is read from the rows. Throws pg::Error,
/// pg::Interrupted.
OpenedCheckpoint look_at_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                    CheckpointRequest request);

/// The stored row as it is now; nothing where it is missing. Throws pg::Error, pg::Interrupted.
std::optional<Checkpoint> read_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                          const CheckpointKey& key);

/// As read_checkpoint, once no transaction holds the row any more: tells what a COMMIT of unknown outcome came to.
/// Throws pg::Error of 55P03 where one holds it for seconds.
std::optional<Checkpoint> read_checkpoint_at_rest(pg::Connection& connection, const CheckpointTables& tables,
                                                  const CheckpointKey& key);

/// Other hosts than `host` that handle events of this partition and have shown life within `interval`, the latest
/// first.
std::vector<std::string> other_hosts(pg::Connection& connection, const CheckpointTables& tables,
                                     const CheckpointKey& key, const std::string& host, base::Duration interval);

} // namespace projector::projection
