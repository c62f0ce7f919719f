#pragma once

#include "pg/error.hpp"

#include <projector/plugin.h>

#include <cstdint>
#include <string_view>

namespace projector::projection {

/// How the worker reacts to a failed batch. Pure; any thread.
enum class Reaction {
  RetryForever, ///< these events are not the cause: roll back, back off, and repeat the batch, without a limit
  RetryCounted, ///< likewise, up to max_retries, then as Reject
  Reject,       ///< one of these events is at fault: narrow it down to that one, then apply on_error
  Fail,         ///< this instance stops and is tried again later
};

/// The reaction to an error: after a lost connection the batch is repeated without a limit, whatever the server's last
/// error was.
/// 23505 on an index of the server's catalogue is tried again, too: another session made the same table or type at
/// once.
Reaction reaction_to(const pg::Error& error);

/// The reaction to the SQLSTATE of a refused statement, in a session that can still be used; an empty one (the server
/// sent none) means a lost connection.
Reaction reaction_to_sqlstate(std::string_view sqlstate);

/// The reaction to a plugin's answer; PROJECTOR_OK is not accepted.
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

  /// A batch of `n_events` was rejected; `event_index` is the one that the plugin named, or PROJECTOR_NO_EVENT. True:
  /// the batch was that one event, which is found.
  bool rejected(std::uint32_t n_events, std::uint32_t event_index, std::int64_t last_position);
  /// A batch up to `position` was handled.
  void passed(std::int64_t position);

private:
  std::uint32_t limit_ = 0;
  std::int64_t until_ = 0; ///< end of the first rejected batch: past it, batches are whole again
};

} // namespace projector::projection
