#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "config/load.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::control {

/// The worker that a partition's row is about.
struct RunningWorker {
  std::string host;
  std::string plugin_version;
  std::int64_t generation = 0;
  std::int64_t thread = 0; ///< kernel thread id; 0 where the host made no worker
  std::int64_t handled = 0;
  base::Duration heartbeat_age{};
};

/// A host that wants a partition which another one runs.
struct OtherHost {
  std::string host;
  std::string state; ///< "standby" where it waits for the first to stand still
  friend bool operator==(const OtherHost&, const OtherHost&) = default;
};

/// One partition of one projection, as far as the databases tell.
struct PartitionStatus {
  std::string projection;
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  std::string checkpoint; ///< name of this partition's checkpoint
  std::string state;      ///< one of projection::State
  std::string reason;     ///< why it is not live
  std::string plugin;
  std::optional<std::int64_t> position; ///< stored; nothing: no checkpoint yet
  std::optional<std::int64_t> lag;      ///< positions up to the highest event; nothing where either end is not known
  std::optional<base::Duration> behind; ///< age of the oldest event above the position; zero: there is none
  std::optional<RunningWorker> worker;  ///< the last that showed life; nothing: none ever did, or it ended in order
  std::vector<OtherHost> others;        ///< that show life for it, too
};

struct EventStoreStatus {
  std::optional<std::int64_t> last_position; ///< of the highest event, 0 without one; nothing where it cannot be read
  std::string trouble;                       ///< why it cannot be read, and the way out
};

struct Status {
  EventStoreStatus event_store;
  bool tables_present = true;              ///< false: no host has run with this read model's database yet
  std::vector<PartitionStatus> partitions; ///< by projection and partition
};

/// A heartbeat older than this is no sign of life.
inline constexpr base::Duration kHeartbeatLimit = std::chrono::seconds(5);
/// What a host said longer ago says nothing about now.
inline constexpr base::Duration kForgottenLimit = std::chrono::hours(1);

/// Reads the state of every configured and every stored projection from the databases; asks no host. A store that
/// cannot be read is a finding, a read model that cannot be read an error. `loaded.configuration` is present. Throws
/// pg::Error, pg::Interrupted.
Status gather_status(const config::Loaded& loaded, const base::Stop& stop);

/// Leaves only this projection's partitions in the status. Where there are none nothing changes, and the answer says
/// which projections there are; else it is empty.
std::string select_projection(Status& status, const std::string& projection);

/// The program's exit code: 1 where a projection is failed or refused, or the event store of projections that have run
/// cannot be read; else 0. One that waits for a rebuild to be asked for is neither.
int exit_code(const Status& status);

} // namespace projector::control
