#pragma once

#include "pg/error.hpp"

#include <projector/plugin.h>

#include <cstdint>
#include <string_view>

namespace projector::projection {

/// What a failed batch calls for. Pure; any thread.
enum class Reaction {
  RetryForever, ///< the trouble is not of these events: roll back, back off, the same again, without a limit
  RetryCounted, ///< likewise, up to max_retries, then as Reject
  Reject,       ///< one of these events is at fault: narrow it down to that one, then apply on_error
  Fail,         ///< this instance stops and is tried again later
};

/// What an error calls for: a lost connection is tried again without a limit, whatever the server said at its end.
/// 23505 on an index of the server's catalogue is tried again, too: another session made the same table or type at
/// once.
Reaction reaction_to(const pg::Error& error);

/// What the SQLSTATE of a refused statement calls for, in a session that goes on; an empty one (no word from the
/// server) is a lost connection.
Reaction reaction_to_sqlstate(std::string_view sqlstate);

/// What a plugin's answer calls for; PROJECTOR_OK is not one of these.
Reaction reaction_to_status(projector_status status);

/// What a plugin is told of a statement that failed in this way.
projector_status verdict_of(Reaction reaction);

/// Finds the one event of a batch that cannot be handled, by cutting shorter batches from the same start. A value that
/// a worker keeps; the events before the one at fault are committed on the way.
class Narrowing {
public:
  /// The most events that the next batch may have; `batch_size` while nothing is being narrowed.
  [[nodiscard]] std::uint32_t limit(std::uint32_t batch_size) const;
  [[nodiscard]] bool active() const noexcept { return limit_ != 0; }

  /// A batch of `n_events` was rejected; `event_index` is the plugin's word for which one, or PROJECTOR_NO_EVENT. True:
  /// the batch was that one event, which is found.
  bool rejected(std::uint32_t n_events, std::uint32_t event_index, std::int64_t last_position);
  /// A batch up to `position` went well.
  void passed(std::int64_t position);

private:
  std::uint32_t limit_ = 0;
  std::int64_t until_ = 0; ///< end of the first rejected batch: past it, batches are whole again
};

} // namespace projector::projection
