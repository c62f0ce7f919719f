#pragma once

#include "support/host_process.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace projector::test {

/// Seconds, sorted.
struct Seconds {
  std::vector<double> values;
  [[nodiscard]] std::string text() const; ///< e.g. "2.1 to 4.0 s (median 3.2 s, 12 times)"
};

/// Two processes of one configuration with the same share, which both would run the one partition of recorder and
/// revenue. Each process that is started has a name of its own, which its sessions carry. Owned by a test.
class TwoHosts {
public:
  explicit TwoHosts(std::string dsn);

  void start(std::size_t which);
  void end(std::size_t which, bool kill); ///< expects a successful exit code, or the signal
  /// SIGSTOP, at a moment when the host holds the recorder's checkpoint in a transaction, or at one when it holds none.
  void suspend(std::size_t which, bool in_transaction);
  void resume(std::size_t which);
  [[nodiscard]] std::uint64_t kills() const noexcept { return kills_; }
  [[nodiscard]] std::uint64_t stops() const noexcept { return stops_; }

  /// Whether this one is neither standby nor stopped for the recorder, by projector_workers.
  [[nodiscard]] bool would_own(std::size_t which) const;
  /// What runs here and is neither standby nor stopped for the recorder, by projector_workers; names with commas.
  [[nodiscard]] std::string owners() const;
  /// Both run, one of them live or catching up and the other standing by, for both projections.
  [[nodiscard]] bool settled() const;
  /// Which of them has handled the last event that was recorded; 2 if there is none.
  [[nodiscard]] std::size_t owner() const;

  /// Which process committed when, by the recorder's rows.
  struct Ownership {
    std::uint64_t changes = 0;         ///< from one of the two to the other
    std::uint64_t returns = 0;         ///< a process committed, then another, then the first again
    std::uint64_t from_the_living = 0; ///< another process committed before the former one was requested to end
    Seconds take_overs;                ///< from a kill to the first commit of the other, where that one stood by then
  };
  [[nodiscard]] Ownership ownership() const;
  [[nodiscard]] std::string everything() const;

private:
  struct Life {
    std::size_t which = 0;
    double started = 0; ///< seconds since 1970
    double ended = 0;   ///< likewise; 0: it runs
    bool killed = false;
  };
  [[nodiscard]] std::string running_hosts() const;

  std::string dsn_;
  std::array<HostProcess, 2> hosts_;
  std::array<std::size_t, 2> life_{}; ///< index into lives_
  std::vector<Life> lives_;
  std::uint64_t kills_ = 0;
  std::uint64_t stops_ = 0;
};

} // namespace projector::test
