#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace projector::projection {

/// The state of a projection's partition.
enum class State { Starting, CatchingUp, Live, Retrying, Paused, Standby, Failed, Stopped, Missing, Refused };

/// As it is written in tables and output, e.g. "catching_up".
std::string_view to_string(State state);

/// A worker's status at one moment, as a value.
struct WorkerStatus {
  std::string projection;
  std::string checkpoint; ///< name of its checkpoint
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  State state = State::Starting;
  std::string reason; ///< why it is not live, for people
  std::string plugin;
  std::string plugin_version;
  std::uint64_t generation = 0;
  std::int64_t thread = 0;   ///< kernel thread id
  std::int64_t position = 0; ///< handled up to here, stored soon
  std::int64_t stored = 0;   ///< its last position known to be stored
  std::uint64_t handled = 0; ///< events that the plugin accepted since the worker was made
  std::uint64_t batches = 0;
  std::int64_t process = 0;        ///< of its plugin instance; 0: there is none
  std::uint64_t restarts = 0;      ///< processes that ended by themselves or were killed for what they did
  std::uint64_t private_bytes = 0; ///< of the process
  base::Duration cpu = {};         ///< that the plugin has used, in all its processes
  bool opened = false;             ///< it has opened its checkpoint, and the read model need not be emptied any more
  /// It has stored a position behind events, or the reset of the read model; or it had no event to handle for
  /// trial_time.
  bool passed_trial = false;
};

} // namespace projector::projection
