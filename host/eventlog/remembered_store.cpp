#include "eventlog/remembered_store.hpp"

#include "eventlog/store_check.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace projector::eventlog {
namespace {

constexpr std::size_t kMostMarks = 16;

/// As the server writes a UUID.
std::string id_text(const projector_event& event) {
  std::string text;
  for (std::size_t at = 0; at < sizeof event.event_id; ++at) {
    text += fmt::format("{}{:02x}", at == 4 || at == 6 || at == 8 || at == 10 ? "-" : "", event.event_id[at]);
  }
  return text;
}

/// The identity that declares the same table a new store.
std::string next_identity(const std::string& store) {
  const auto hash = store.rfind('#');
  std::int64_t number = 1;
  if (hash != std::string::npos) {
    std::from_chars(store.data() + hash + 1, store.data() + store.size(), number);
  }
  return fmt::format("{}#{}", store.substr(0, hash), number + 1);
}

std::string begin_anew(const Store& store, const RememberedStore& remembered) {
  return fmt::format("to begin anew with what is there now, in the read model's database: INSERT INTO {} (store, "
                     "timeline, settled) VALUES ({}, {}, 0); each projection then says how it is rebuilt",
                     remembered.table, pg::quote_literal(next_identity(store.identity.store)), store.identity.timeline);
}

void check_timeline(const Store& store, const RememberedStore& remembered) {
  // If the timeline is not known, no event is handed over either.
  if (!remembered.timeline || !store.flush_unknown.empty() || *remembered.timeline == store.identity.timeline) {
    return;
  }
  throw StoreRefused(fmt::format(
      "the event store is on timeline {}, and the read model, which is on another server, has followed timeline {}: a "
      "stand-by was promoted or a backup restored, and events that were handled may be missing. Cure: where none is "
      "missing (a planned switch-over, synchronous replication): UPDATE {} SET timeline = {} WHERE store = {}; else, "
      "{}",
      store.identity.timeline, *remembered.timeline, remembered.table, store.identity.timeline,
      pg::quote_literal(store.identity.store), begin_anew(store, remembered)));
}

void check_marks(pg::Connection& connection, const Store& store, const RememberedStore& remembered) {
  std::vector<std::int64_t> positions;
  std::vector<std::string> ids;
  for (const EventMark& mark : remembered.marks) {
    positions.push_back(mark.position);
    ids.push_back(mark.event_id);
  }
  const auto other = connection.exec(
      fmt::format(
          "SELECT m.position, m.id, min(e.event_id::text) FROM unnest($1::bigint[], $2::text[]) m(position, id) "
          "JOIN {} e ON e.global_position = m.position GROUP BY m.position, m.id "
          "HAVING bool_and(e.event_id::text <> m.id) ORDER BY m.position DESC LIMIT 1",
          store.table),
      pg::Parameters().int8_array(positions).text_array(ids));
  if (other.rows() != 0) {
    throw StoreRefused(fmt::format("position {} of {} has event {}, and the event that was handled there is {}: the "
                                   "table was emptied and filled again, or replaced by another one, and its first "
                                   "events would never be handled. Cure: restore the former table; or, {}",
                                   other.int8(0, 0), store.table, other.bytes(0, 2), other.bytes(0, 1),
                                   begin_anew(store, remembered)));
  }
}

} // namespace

void check_remembered(pg::Connection& connection, const Store& store, const RememberedStore& remembered) {
  check_timeline(store, remembered);
  if (!remembered.marks.empty()) {
    check_marks(connection, store, remembered);
  }
  if (remembered.settled > store.last_value) {
    throw StoreRefused(
        fmt::format("the host remembers events of this store up to position {}, but its sequence {} has handed out "
                    "positions only up to {}: the store was emptied or set back, e.g. restored from an older backup. "
                    "Cure: restore the right one; or, if no event is missing and none was added, SELECT setval({}, "
                    "{}); or, {}",
                    remembered.settled, store.sequence, store.last_value, pg::quote_literal(store.sequence),
                    remembered.settled, begin_anew(store, remembered)));
  }
}

void add_mark(std::vector<EventMark>& marks, EventMark mark) {
  const auto place =
      std::lower_bound(marks.begin(), marks.end(), mark.position,
                       [](const EventMark& one, std::int64_t position) { return one.position < position; });
  if (place != marks.end() && place->position == mark.position) {
    return;
  }
  marks.insert(place, std::move(mark));
  if (marks.size() <= kMostMarks) {
    return;
  }
  // Drops the mark whose neighbours are closest together relative to their distance from the end; never the first or
  // the last.
  std::size_t best = 1;
  double smallest = 2;
  for (std::size_t at = 1; at + 1 < marks.size(); ++at) {
    const auto before = static_cast<double>(marks[at - 1].position);
    const double share =
        (static_cast<double>(marks[at + 1].position) - before) / (static_cast<double>(marks.back().position) - before);
    if (share < smallest) {
      smallest = share;
      best = at;
    }
  }
  marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(best));
}

void add_marks(std::vector<EventMark>& marks, std::span<const projector_event> events) {
  constexpr std::size_t kParts = 4;
  for (std::size_t part = 0; part <= kParts && !events.empty(); ++part) {
    const projector_event& event = events[(events.size() - 1) * part / kParts];
    add_mark(marks, {.position = event.global_position, .event_id = id_text(event)});
  }
}

std::string marks_text(const std::vector<EventMark>& marks) {
  std::string text;
  for (const EventMark& mark : marks) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", mark.position, mark.event_id);
  }
  return text;
}

std::vector<EventMark> parse_marks(std::string_view text) {
  std::vector<EventMark> marks;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    EventMark mark;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), mark.position);
    if (parsed.ec == std::errc() && parsed.ptr != word.data() + word.size() && *parsed.ptr == ':') {
      mark.event_id = std::string(parsed.ptr + 1, word.data() + word.size());
      marks.push_back(std::move(mark));
    }
  }
  return marks;
}

} // namespace projector::eventlog
