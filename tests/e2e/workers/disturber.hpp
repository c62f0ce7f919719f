#pragma once

#include "worker_group.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace projector::test {

/// Stops, kills, suspends and restarts the workers of a group at random. Owned by a test.
class Disturber {
public:
  struct Counts {
    std::uint64_t stops = 0;
    std::uint64_t kills = 0;
    std::uint64_t suspensions = 0;
    std::uint64_t starts = 0;
  };
  Disturber(WorkerGroup& workers, std::uint32_t seed) : workers_(workers), random_(seed) {}

  /// One worker that runs is struck, one that does not is started again; one that has been suspended long enough goes
  /// on. Adds a test failure if a worker has ended by itself or with an error.
  void step();
  /// Starts and resumes all workers.
  void let_all_run();
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

private:
  enum class Blow { Stop, Kill, Suspend };
  using Clock = std::chrono::steady_clock;

  std::uint32_t pick(std::uint32_t below);
  Blow next_blow(); ///< each kind as often as the others
  void strike(std::uint32_t id);
  void start(std::uint32_t id);
  void resume(); ///< resumes workers that were suspended for long enough

  WorkerGroup& workers_;
  std::mt19937 random_;
  std::vector<Blow> blows_;
  std::map<std::uint32_t, bool> down_;
  std::map<std::uint32_t, Clock::time_point> suspended_; ///< until when
  Counts counts_;
};

} // namespace projector::test
