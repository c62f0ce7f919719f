#pragma once

#include "pg/connection.hpp"

#include <projector/plugin.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace projector::eventlog {

struct Store;

/// Identifies a settled event: a sequence can give out a position twice, but an event_id belongs to one event.
struct EventMark {
  std::int64_t position = 0;
  std::string event_id;
  friend bool operator==(const EventMark&, const EventMark&) = default;
};

/// What the read model's database has stored about an event store. A value.
struct RememberedStore {
  RememberedStore(std::int64_t settled_position = 0) : settled(settled_position) {} // NOLINT(*-explicit-*)
  std::int64_t settled = 0;                                                         ///< settled position
  std::vector<EventMark> marks;           ///< by position, none above `settled`
  std::string store;                      ///< identity under which it is stored; empty: the requested one
  std::string table = "projector_stores"; ///< the table that stores it, for messages
  /// The timeline that the store must have: a standby server that was promoted can lack events that were handled.
  /// Nothing if read model and events are on one server, where both lose the same commits.
  std::optional<std::int64_t> timeline;
};

/// Compares a store with what was stored about it. Marks whose events were erased are ignored. Throws StoreRefused with
/// the cure if its events are not those that were handled, pg::Error.
void check_remembered(pg::Connection& connection, const Store& store, const RememberedStore& remembered);

/// Adds a mark at its place, unless there is one at its position. If there are too many, one is dropped; the remaining
/// ones lie closer together the newer they are.
void add_mark(std::vector<EventMark>& marks, EventMark mark);
/// Adds marks of a few of these events, which are in order: the position of a single one may belong to no event of the
/// store that takes this one's place.
void add_marks(std::vector<EventMark>& marks, std::span<const projector_event> events);

/// Converts marks to text, e.g. for a column, and back; parts that are not marks are ignored.
std::string marks_text(const std::vector<EventMark>& marks);
std::vector<EventMark> parse_marks(std::string_view text);

} // namespace projector::eventlog
