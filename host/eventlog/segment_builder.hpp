#pragma once

#include "eventlog/segment.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace projector::eventlog {

using SegmentPtr = std::shared_ptr<const Segment>;

inline constexpr std::size_t kSegmentEvents = 1000;
inline constexpr std::size_t kSegmentBytes = 1u << 20;

/// Builds segments from events in order of position, in the memory of a region. Reuses its buffers. One owner, one
/// thread.
class SegmentBuilder {
public:
  explicit SegmentBuilder(std::shared_ptr<Region> region);

  /// Copies the event's text. Positions must rise.
  void append(const projector_event& event);
  /// Like append, for an event whose hash is known.
  void append(const projector_event& event, std::uint32_t aggregate_hash);

  /// Where the large texts of the event that was appended last belong. Good until the next call.
  struct Room {
    char* payload;
    char* metadata;
  };
  /// Like append, but only reserves the memory of payload and metadata, as many bytes as their sizes say.
  Room append_without_large_text(projector_event event);
  /// Removes the event that was appended last. Not to be called if there is none.
  void drop_last();

  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  /// Approximate memory of the segment if it were finished now.
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// Position of the last event. Not to be called if there is none.
  [[nodiscard]] std::int64_t last_position() const { return events_.back().global_position; }
  /// Whether an event with `text_bytes` of text has to go into the next segment.
  [[nodiscard]] bool full_for(std::size_t text_bytes) const noexcept;

  /// The segment for (after, to] with all appended events. Empties the builder.
  SegmentPtr finish(std::int64_t after, std::int64_t to, std::uint64_t incarnation, base::TimePoint read_at);
  void clear();

private:
  struct KindEntry {
    std::string text; ///< the three names, one behind the other
    std::uint32_t context_size, aggregate_size;
    std::size_t hash;
    [[nodiscard]] bool is(const projector_event& event) const noexcept;
  };
  std::uint32_t kind_of(const projector_event& event);
  void grow_table();
  char* reserve_text(std::size_t bytes);

  std::shared_ptr<Region> region_;
  Region::Block text_;
  std::size_t text_size_ = 0;
  std::vector<projector_event> events_; ///< until finish, their text has sizes but no valid addresses
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> event_kinds_;
  std::vector<KindEntry> kinds_;
  std::vector<std::uint32_t> table_; ///< open addressing over kinds_: index + 1, 0 is free
  std::size_t kinds_bytes_ = 0;
};

/// Bytes of an event's own text, without the three names of its kind.
std::size_t text_bytes(const projector_event& event) noexcept;
/// Memory that an event takes in a segment, without the names of its kind.
std::size_t event_bytes(const projector_event& event) noexcept;

/// One segment with the events of `segments`, which are adjacent and of one incarnation.
SegmentPtr merge_segments(const std::vector<SegmentPtr>& segments, std::shared_ptr<Region> region);

} // namespace projector::eventlog
