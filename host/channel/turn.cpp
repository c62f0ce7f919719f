#include "channel/turn.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>

namespace projector::channel {

namespace {

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) {
  return ::syscall(SYS_futex, &word, operation, value, timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
}

/// Returns early for many reasons; the caller looks at the word again.
void sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value, std::optional<TimePoint> deadline) {
  if (!deadline) {
    futex(word, FUTEX_WAIT_BITSET, value, nullptr);
    return;
  }
  // The kernel counts FUTEX_WAIT_BITSET on CLOCK_MONOTONIC, which is what std::chrono::steady_clock reads.
  const auto since = std::max(deadline->time_since_epoch(), std::chrono::steady_clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const timespec until = {static_cast<std::time_t>(seconds.count()), static_cast<long>((since - seconds).count())};
  futex(word, FUTEX_WAIT_BITSET, value, &until);
}

} // namespace

Turn::Found Turn::wait(std::optional<TimePoint> deadline) {
  while (true) {
    seen_ = word_.load(std::memory_order_acquire);
    if ((seen_ & ~kClosed) == next()) {
      // Who answers and then ends is closed with its answer unread.
      number_ = next();
      mine_ = true;
      return Found::Mine;
    }
    if (seen_ != number_) {
      return (seen_ & kClosed) != 0 ? Found::Closed : Found::Nonsense;
    }
    if (deadline && std::chrono::steady_clock::now() >= *deadline) {
      return Found::TimeUp;
    }
    sleep_while(word_, number_, deadline);
  }
}

Turn::Found Turn::pass() {
  seen_ = number_;
  if (!word_.compare_exchange_strong(seen_, next(), std::memory_order_acq_rel, std::memory_order_acquire)) {
    return (seen_ & kClosed) != 0 ? Found::Closed : Found::Nonsense;
  }
  number_ = next();
  mine_ = false;
  futex(word_, FUTEX_WAKE, 1, nullptr);
  return Found::Mine;
}

void Turn::close(std::atomic<std::uint32_t>& word) noexcept {
  word.fetch_or(kClosed);
  futex(word, FUTEX_WAKE, INT_MAX, nullptr);
}

} // namespace projector::channel
