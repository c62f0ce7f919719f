#pragma once

#include "base/unique_fd.hpp"

namespace projector::base {

/// Wakes a thread that polls. Set by any thread, any number of times; taken by the one that waits.
class Wakeup {
public:
  Wakeup();

  /// Readable from here on, until it is taken.
  void set() noexcept;
  void take() noexcept;
  [[nodiscard]] int fd() const noexcept { return event_.get(); }

private:
  UniqueFd event_;
};

} // namespace projector::base
