#pragma once

#include "base/unique_fd.hpp"

namespace projector::base {

/// Wakes a thread that waits in poll. Any thread sets it, any number of times; the waiting thread takes it.
class Wakeup {
public:
  Wakeup();

  /// Makes the descriptor readable until it is taken.
  void set() noexcept;
  void take() noexcept;
  [[nodiscard]] int fd() const noexcept { return event_.get(); }

private:
  UniqueFd event_;
};

} // namespace projector::base
