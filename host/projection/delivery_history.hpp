#pragma once

#include <cstdint>

namespace projector::projection {

/// Which events a plugin may have been given before, as a batch tells it. Owned by the worker; its thread only.
class DeliveryHistory {
public:
  /// An instance is about to get its first batch. Events up to `repeated_up_to` may have been given to an earlier one;
  /// those up to `highest` were handled at least once before the read model was emptied, or before this host's start.
  void begin(std::int64_t highest, std::int64_t repeated_up_to) noexcept;

  struct Call {
    std::uint32_t attempt = 1;
    std::uint32_t flags = 0; ///< PROJECTOR_BATCH_..
  };
  /// For a batch whose first event is at `first`. A batch that begins where the one before began is another attempt.
  Call next_call(std::int64_t first) noexcept;
  /// A batch whose last event is at `last` was given to the plugin, and its statements were not committed.
  void not_committed(std::int64_t last) noexcept;

private:
  std::int64_t highest_ = 0;
  std::int64_t repeated_up_to_ = 0;
  std::int64_t first_ = -1; ///< of the batch before
  std::uint32_t attempt_ = 0;
};

} // namespace projector::projection
