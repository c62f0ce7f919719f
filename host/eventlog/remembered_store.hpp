#pragma once

#include "pg/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::eventlog {

struct Store;

/// A settled event that is kept in mind: positions can be given out twice, an event_id is of one event.
struct EventMark {
  std::int64_t position = 0;
  std::string event_id;
  friend bool operator==(const EventMark&, const EventMark&) = default;
};

/// What the read model's database keeps about an event store. A value.
struct RememberedStore {
  RememberedStore(std::int64_t settled_position = 0) : settled(settled_position) {} // NOLINT(*-explicit-*)
  std::int64_t settled = 0;                                                         ///< everything at or below is final
  std::vector<EventMark> marks;           ///< by position, none above `settled`
  std::string store;                      ///< under which identity it is kept; empty: the one that was asked for
  std::string table = "projector_stores"; ///< where it is kept, for messages
  /// To be compared: a stand-by that was promoted can lack events that were handled. Nothing where read model and
  /// events are of one server, which goes back with both.
  std::optional<std::int64_t> timeline;
};

/// Holds a store against what is remembered of it. Marks whose events were erased say nothing. Throws StoreRefused with
/// the way out where its events are not those that were handled, pg::Error.
void check_remembered(pg::Connection& connection, const Store& store, const RememberedStore& remembered);

/// Adds a mark above the others. Of many, those are kept that lie closer together the newer they are.
void add_mark(std::vector<EventMark>& marks, EventMark mark);

/// Marks as one text, e.g. for a column, and back; what is not a mark is left out.
std::string marks_text(const std::vector<EventMark>& marks);
std::vector<EventMark> parse_marks(std::string_view text);

} // namespace projector::eventlog
