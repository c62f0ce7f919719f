#pragma once

#include <cstdint>

namespace projector::projection {

/// Counts how often the process of a plugin ended since it last handled events. A value that a worker keeps.
class Crashes {
public:
  /// The process ended in handle. True: the batch is to be repeated once in a fresh process, since what an earlier
  /// event left behind may be the cause. False: one of its events is to blame.
  bool first_in_handle() noexcept {
    const bool first = !in_handle_;
    in_handle_ = true;
    return first;
  }
  /// The process ended where no event is to blame. True once that happened `most` times in a row.
  bool too_many(std::uint32_t most) noexcept { return ++unexplained_ >= most; }
  /// Events were handled; `narrowing`: the one to blame is still being looked for.
  void handled(bool narrowing) noexcept {
    unexplained_ = 0;
    in_handle_ = in_handle_ && narrowing;
  }

private:
  bool in_handle_ = false;
  std::uint32_t unexplained_ = 0;
};

} // namespace projector::projection
