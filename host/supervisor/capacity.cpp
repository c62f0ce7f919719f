#include "supervisor/capacity.hpp"

#include "base/process_limits.hpp"
#include "supervisor/session_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::supervisor {
namespace {

/// Descriptors of one running partition: its eventfd, which interrupts waits, and of its plugin's process the pidfd,
/// stdout, stderr and the log.
constexpr std::uint64_t kDescriptorsAPartition = 5;
/// Standard streams, signals, wake-ups, watches, locks, the memory of events, the runners' program, and what one scan
/// of files and directories opens.
constexpr std::uint64_t kOwnDescriptors = 40;
/// For short use: files that are copied and read, a process and a session that are made.
constexpr std::uint64_t kMargin = 20;
/// Main, signals, log, plugin files, runners, checkpoints, bookkeeper, waiting until all has caught up.
constexpr std::uint64_t kOwnThreads = 8;
/// For queries at a start.
constexpr std::uint64_t kStartSessions = 1;

std::string way_out() {
  return "raise it (ulimit -n, LimitNOFILE= in the systemd unit), give the projection fewer partitions, or share them "
         "with more workers (--total-workers)";
}

std::string takes(std::uint64_t partitions) {
  return fmt::format("its {0} partitions take {1} descriptors, {0} threads and {0} processes", partitions,
                     partitions * kDescriptorsAPartition);
}

} // namespace

Need need_of(const config::Configuration& configuration, std::uint64_t partitions) {
  const std::uint64_t batches = std::min<std::uint64_t>(partitions, configuration.read_model.pool_max);
  const Sessions sessions = most_sessions(configuration, static_cast<std::uint32_t>(batches));
  Need need;
  need.event_store_sessions = sessions.event_store;
  need.read_model_sessions = sessions.read_model + kStartSessions;
  need.processes = partitions;
  need.threads = partitions + need.event_store_sessions + kOwnThreads;
  need.descriptors = partitions * kDescriptorsAPartition + need.event_store_sessions + need.read_model_sessions +
                     kOwnDescriptors + kMargin;
  return need;
}

std::string refuse_partitions(const config::Configuration& configuration, std::uint64_t partitions,
                              std::uint64_t running, std::uint64_t freed) {
  const auto limit = base::descriptor_limits().soft;
  const auto open = base::open_descriptors();
  const std::uint64_t sessions =
      std::min<std::uint64_t>(running - freed + partitions, configuration.read_model.pool_max);
  const std::uint64_t then = open.value_or(limit) - std::min(freed, open.value_or(0)) * kDescriptorsAPartition +
                             partitions * kDescriptorsAPartition + sessions + kMargin;
  if (then <= limit) {
    return {};
  }
  return fmt::format("{}, and this process may open {} descriptors in all: {}", takes(partitions), limit, way_out());
}

std::string cannot_start(std::uint64_t partitions, std::uint64_t started, const std::exception& error) {
  return fmt::format(
      "{}, and only {} could start: {}. The limits are {} descriptors, {}, and those of the systemd unit (TasksMax=) "
      "or the container (pids.max): raise the one that is reached, or give the projection fewer partitions",
      takes(partitions), started, error.what(), base::descriptor_limits().soft, base::thread_limits());
}

} // namespace projector::supervisor
