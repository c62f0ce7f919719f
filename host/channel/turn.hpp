#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace projector::channel {

using TimePoint = std::chrono::steady_clock::time_point;

/// One end's view of the word by which the two ends take turns. The word holds the number of the turn, in 31 bits that
/// wrap; who passes the turn adds one. The highest bit says that the channel is closed, and stays. Each end knows
/// by itself which number is due, so that any other number in the word is nonsense. Waits are on a futex. Owned by an
/// end of the channel; its thread only.
class Turn {
public:
  static constexpr std::uint32_t kClosed = 1U << 31U;

  /// `first` is the number with which the host has the turn for the first time.
  Turn(std::atomic<std::uint32_t>& word, std::uint32_t first, bool mine)
      : word_(word), number_(first & ~kClosed), mine_(mine) {}

  enum class Found {
    Mine,    ///< this end has the turn
    TimeUp,  ///< the other end still has it
    Closed,  ///< the channel was closed before the turn came
    Nonsense ///< see word()
  };
  /// Waits until the other end passes the turn, without an end if there is no deadline.
  Found wait(std::optional<TimePoint> deadline);
  /// Gives the turn to the other end and wakes it: Mine if that could be done, else Closed or Nonsense. What this end
  /// has written before is visible to the other.
  Found pass();

  [[nodiscard]] bool mine() const noexcept { return mine_; }
  /// What the word held when it was last looked at, and which number was due.
  [[nodiscard]] std::uint32_t word() const noexcept { return seen_; }
  [[nodiscard]] std::uint32_t due() const noexcept { return mine_ ? number_ : next(); }

  /// Closes the channel and wakes whoever waits. Any thread or process.
  static void close(std::atomic<std::uint32_t>& word) noexcept;

private:
  [[nodiscard]] std::uint32_t next() const noexcept { return (number_ + 1) & ~kClosed; }

  std::atomic<std::uint32_t>& word_;
  std::uint32_t number_; ///< of the last turn that this end has seen or begun
  bool mine_;
  std::uint32_t seen_ = 0;
};

} // namespace projector::channel
