#pragma once

#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "base/wakeup.hpp"
#include "plugin/runner_output.hpp"
#include "plugin/runner_process.hpp"
#include "plugin/start.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

namespace projector::plugin {

/// The running processes and their output. Owned by Runners and used by its thread, which must make all processes. What
/// a call costs does not grow with the number of processes in which nothing happens.
class RunnerWatch {
public:
  /// `wakeup` ends a wait; borrowed. Throws std::system_error.
  explicit RunnerWatch(base::Wakeup& wakeup);
  ~RunnerWatch();
  RunnerWatch(const RunnerWatch&) = delete;
  RunnerWatch& operator=(const RunnerWatch&) = delete;

  /// Starts and watches a process; takes the callbacks out of `start`. Throws std::system_error, and nothing runs then.
  std::shared_ptr<RunnerProcess> start(Start& start);

  /// Waits until something happens, for at most `limit`, and passes it on to callbacks.
  void look(base::Duration limit) noexcept;

  /// Kills all processes and passes on how they end. Gives those up that have not ended after `limit`.
  void end(base::Duration limit) noexcept;

private:
  struct Watched;

  void watch(int fd, std::uint64_t tag);
  void unwatch(int fd) noexcept;
  void watch_output(const Watched& watched);
  void unwatch_output(const Watched& watched) noexcept;
  void happened(std::uint64_t tag, base::TimePoint now);
  void read(Watched& watched, RunnerOutput::Source source, base::TimePoint now);
  void ended(Watched& watched, base::TimePoint now);
  void report_dropped(base::TimePoint now);
  [[nodiscard]] int wait_ms(base::Duration limit) const;

  base::Wakeup& wakeup_;
  base::UniqueFd epoll_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Watched>> watched_; ///< by id
  std::uint64_t last_id_ = 0;
  std::set<std::pair<base::TimePoint, std::uint64_t>> reports_; ///< when, and of which id, dropped lines are told
};

} // namespace projector::plugin
