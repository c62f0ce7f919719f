#pragma once

#include "base/backoff.hpp"
#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "eventlog/segment_builder.hpp"
#include "eventlog/shared_log.hpp"
#include "eventlog/unreadable_event.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace projector::eventlog {

/// Reads settled events that are not in the cache: one thread with one session. Owned by the event log, which may have
/// several.
class HistoryReader {
public:
  HistoryReader(const EventLogOptions& options, SharedLog& shared, const base::Stop& stop);

  void run(); ///< the thread's function, until the stop is requested; throws nothing

private:
  void give_up(HistoryRead* read, const char* error) noexcept;
  void report_failure(HistoryRead& read, const char* error);
  void pause();
  bool ready(const HistoryRead& read);
  void carry_out(HistoryRead& read);
  void tell_of(const HistoryRead& read, const UnreadableEvent& event);

  const EventLogOptions& options_;
  SharedLog& shared_;
  const base::Stop& stop_;
  base::Backoff backoff_;
  std::optional<pg::Connection> connection_;
  std::optional<Store> store_; ///< of the incarnation that the session belongs to
  std::uint64_t session_incarnation_ = 0;
  SegmentBuilder builder_;
  bool reported_ = false;
  std::string reported_reason_; ///< of the event that could not be read last
};

} // namespace projector::eventlog
