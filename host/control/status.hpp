#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "config/load.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::control {

/// The worker that runs a partition.
struct RunningWorker {
  std::string host;
  std::string plugin_version;
  std::int64_t generation = 0;
  std::int64_t thread = 0; ///< kernel thread id; 0 if the host made no worker
  std::int64_t handled = 0;
  base::Duration heartbeat_age{};
  std::int64_t process = 0;       ///< of its plugin instance; 0: there is none
  std::int64_t restarts = 0;      ///< processes that ended by themselves or were killed for what they did
  std::int64_t private_bytes = 0; ///< of the process
  base::Duration cpu{};           ///< that the plugin has used, in all its processes
};

/// A host that is ready to run a partition which another one runs.
struct OtherHost {
  std::string host;
  std::string state; ///< "standby" if it waits until the first has stopped
  friend bool operator==(const OtherHost&, const OtherHost&) = default;
};

/// One partition of one projection, as stored in the databases.
struct PartitionStatus {
  std::string projection;
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  std::string checkpoint; ///< name of this partition's checkpoint
  std::string state;      ///< one of projection::State
  std::string reason;     ///< why it is not live
  std::string plugin;
  std::optional<std::int64_t> position; ///< stored; nothing: no checkpoint yet
  std::optional<std::int64_t> lag;      ///< positions up to the highest event; nothing if either is not known
  std::optional<base::Duration> behind; ///< age of the oldest event above the position; zero if there is none
  std::optional<RunningWorker> worker;  ///< with the latest heartbeat; nothing: there was none, or it ended cleanly
  std::vector<OtherHost> others;        ///< with recent heartbeats for it, too
};

struct EventStoreStatus {
  std::optional<std::int64_t> last_position; ///< of the highest event, 0 without one; nothing if it cannot be read
  std::string trouble;                       ///< why it cannot be read, and the cure
};

struct Status {
  EventStoreStatus event_store;
  bool tables_present = true;              ///< false: no host has used this read model's database yet
  std::vector<std::string> lacking;        ///< columns that the host's tables, made by an earlier version, do not have
  std::vector<PartitionStatus> partitions; ///< by projection and partition
};

/// A host whose heartbeat is older than this counts as stopped.
inline constexpr base::Duration kHeartbeatLimit = std::chrono::seconds(5);
/// Reports older than this are not shown.
inline constexpr base::Duration kForgottenLimit = std::chrono::hours(1);

/// Reads the state of all configured and stored projections from the databases, without contacting a host. If the event
/// store cannot be read, the result says so; if the read model cannot be read, this throws. `loaded.configuration` is
/// present. Throws pg::Error, pg::Interrupted.
Status gather_status(const config::Loaded& loaded, const base::Stop& stop);

/// Removes all partitions but this projection's from the status. If it has none, nothing is removed and the result
/// lists the known projections; else the result is empty.
std::string select_projection(Status& status, const std::string& projection);

/// The program's exit code: 1 if a projection is failed or refused, or if projections have run and the event store
/// cannot be read; else 0. A projection that waits for a rebuild to be requested counts as neither.
int exit_code(const Status& status);

} // namespace projector::control
