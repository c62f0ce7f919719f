#include "eventlog/segment_builder.hpp"

#include "base/fnv1a.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

namespace projector::eventlog {
namespace {

/// The fields whose text is stored for each event, in the arena's order.
constexpr std::array kOwnText = {&projector_event::aggregate_id,   &projector_event::payload,
                                 &projector_event::metadata,       &projector_event::trace_id,
                                 &projector_event::correlation_id, &projector_event::causation_id};

std::string_view view(const projector_str& text) noexcept {
  return {text.data, text.size};
}

/// Events of one type rarely differ in the other two names, so their sizes are enough for a hash.
std::size_t kind_hash(const projector_event& event) noexcept {
  return std::hash<std::string_view>()(view(event.event_type)) + 31 * event.aggregate_type.size +
         event.bounded_context.size;
}

constexpr std::size_t kPerEvent = sizeof(projector_event) + 2 * sizeof(std::uint32_t);

} // namespace

std::size_t text_bytes(const projector_event& event) noexcept {
  std::size_t sum = 0;
  for (const auto field : kOwnText) {
    sum += (event.*field).size;
  }
  return sum;
}

std::size_t event_bytes(const projector_event& event) noexcept {
  return kPerEvent + text_bytes(event);
}

SegmentBuilder::SegmentBuilder(std::shared_ptr<Region> region) : region_(std::move(region)), table_(64, 0) {}

std::size_t SegmentBuilder::bytes() const noexcept {
  return sizeof(Segment) + text_size_ + events_.size() * kPerEvent + kinds_bytes_;
}

bool SegmentBuilder::full_for(std::size_t next_text_bytes) const noexcept {
  return !events_.empty() &&
         (events_.size() >= kSegmentEvents || bytes() + next_text_bytes + kPerEvent > kSegmentBytes);
}

bool SegmentBuilder::KindEntry::is(const projector_event& event) const noexcept {
  const std::string_view all = text;
  return context_size == event.bounded_context.size && aggregate_size == event.aggregate_type.size &&
         all.size() == context_size + aggregate_size + event.event_type.size &&
         all.substr(context_size + aggregate_size) == view(event.event_type) &&
         all.substr(context_size, aggregate_size) == view(event.aggregate_type) &&
         all.substr(0, context_size) == view(event.bounded_context);
}

std::uint32_t SegmentBuilder::kind_of(const projector_event& event) {
  if (!event_kinds_.empty() && kinds_[event_kinds_.back()].is(event)) {
    return event_kinds_.back();
  }
  const std::size_t hash = kind_hash(event);
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = hash & mask;
  for (; table_[slot] != 0; slot = (slot + 1) & mask) {
    const KindEntry& entry = kinds_[table_[slot] - 1];
    if (entry.hash == hash && entry.is(event)) {
      return table_[slot] - 1;
    }
  }
  std::string text;
  text.append(view(event.bounded_context)).append(view(event.aggregate_type)).append(view(event.event_type));
  kinds_bytes_ += text.size() + sizeof(EventKind);
  kinds_.push_back({std::move(text), static_cast<std::uint32_t>(event.bounded_context.size),
                    static_cast<std::uint32_t>(event.aggregate_type.size), hash});
  table_[slot] = static_cast<std::uint32_t>(kinds_.size());
  if (kinds_.size() * 2 > table_.size()) {
    grow_table();
  }
  return static_cast<std::uint32_t>(kinds_.size() - 1);
}

void SegmentBuilder::grow_table() {
  table_.assign(table_.size() * 2, 0);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t index = 0; index < kinds_.size(); ++index) {
    std::size_t slot = kinds_[index].hash & mask;
    while (table_[slot] != 0) {
      slot = (slot + 1) & mask;
    }
    table_[slot] = static_cast<std::uint32_t>(index + 1);
  }
}

void SegmentBuilder::append(const projector_event& event) {
  append(event, base::fnv1a32(view(event.aggregate_id)));
}

void SegmentBuilder::append(const projector_event& event, std::uint32_t aggregate_hash) {
  event_kinds_.push_back(kind_of(event));
  hashes_.push_back(aggregate_hash);
  char* free = reserve_text(text_bytes(event));
  for (const auto field : kOwnText) {
    const projector_str& text = event.*field;
    if (text.size != 0) {
      std::memcpy(free, text.data, text.size);
      free += text.size;
    }
  }
  events_.push_back(event);
  events_.back().struct_size = sizeof(projector_event);
}

SegmentBuilder::Room SegmentBuilder::append_without_large_text(projector_event event) {
  const std::size_t payload = std::exchange(event.payload.size, 0);
  const std::size_t metadata = std::exchange(event.metadata.size, 0);
  const std::size_t before = text_size_ + event.aggregate_id.size;
  append(event);
  // The texts behind them move away from their place.
  const std::size_t behind = text_size_ - before;
  reserve_text(payload + metadata);
  const Room room{.payload = text_.data() + before, .metadata = text_.data() + before + payload};
  std::memmove(room.metadata + metadata, room.payload, behind);
  events_.back().payload = {room.payload, payload};
  events_.back().metadata.size = metadata;
  return room;
}

void SegmentBuilder::drop_last() {
  text_size_ -= text_bytes(events_.back());
  events_.pop_back();
  hashes_.pop_back();
  event_kinds_.pop_back();
}

char* SegmentBuilder::reserve_text(std::size_t bytes) {
  const std::size_t used = std::exchange(text_size_, text_size_ + bytes);
  if (text_size_ > text_.size()) {
    auto larger = region_->allocate(std::max(text_size_, std::min(2 * text_.size(), text_size_ + kSegmentBytes)));
    if (used != 0) {
      std::memcpy(larger.data(), text_.data(), used);
    }
    text_ = std::move(larger);
  }
  return text_.data() + used;
}

SegmentPtr SegmentBuilder::finish(std::int64_t after, std::int64_t to, std::uint64_t incarnation,
                                  base::TimePoint read_at) {
  const std::shared_ptr<Segment> segment(new Segment);
  segment->after_ = after;
  segment->to_ = to;
  segment->incarnation_ = incarnation;
  segment->read_at_ = read_at;
  // One copy of a large event's text is enough.
  const bool move_text = text_size_ > kSegmentBytes;
  std::size_t size = events_.size() * sizeof(projector_event) + 1 + (move_text ? 0 : text_size_);
  for (const KindEntry& kind : kinds_) {
    size += kind.text.size();
  }
  segment->block_ = region_->allocate(size);
  auto* const events = reinterpret_cast<projector_event*>(segment->block_.data());
  std::uninitialized_copy(events_.begin(), events_.end(), events);
  segment->events_ = {events, events_.size()};
  char* free = segment->block_.data() + events_.size() * sizeof(projector_event);
  *free++ = '\0'; // gives empty text a valid address in an empty segment

  segment->kinds_.reserve(kinds_.size());
  for (const KindEntry& kind : kinds_) {
    std::memcpy(free, kind.text.data(), kind.text.size());
    const std::string_view all(free, kind.text.size());
    segment->kinds_.push_back({all.substr(0, kind.context_size), all.substr(kind.context_size, kind.aggregate_size),
                               all.substr(kind.context_size + kind.aggregate_size)});
    free += all.size();
  }
  if (move_text) {
    free = text_.data();
    segment->large_text_ = std::move(text_);
  } else if (text_size_ != 0) {
    std::memcpy(free, text_.data(), text_size_);
  }
  segment->hashes_.assign(hashes_.begin(), hashes_.end());
  segment->event_kinds_.assign(event_kinds_.begin(), event_kinds_.end());
  for (std::size_t index = 0; index < segment->events_.size(); ++index) {
    projector_event& event = events[index];
    const EventKind& kind = segment->kinds_[event_kinds_[index]];
    event.bounded_context = {kind.bounded_context.data(), kind.bounded_context.size()};
    event.aggregate_type = {kind.aggregate_type.data(), kind.aggregate_type.size()};
    event.event_type = {kind.event_type.data(), kind.event_type.size()};
    for (const auto field : kOwnText) {
      projector_str& text = event.*field;
      if (text.data != nullptr) {
        text.data = free;
        free += text.size;
      }
    }
  }
  segment->bytes_ = sizeof(Segment) + segment->block_.size() + segment->large_text_.size() +
                    events_.size() * 2 * sizeof(std::uint32_t) + kinds_.size() * sizeof(EventKind);
  clear();
  return segment;
}

void SegmentBuilder::clear() {
  text_size_ = 0;
  if (text_.size() > 2 * kSegmentBytes) {
    text_ = {};
  }
  events_.clear();
  hashes_.clear();
  event_kinds_.clear();
  if (!kinds_.empty()) {
    kinds_.clear();
    table_.assign(64, 0);
  }
  kinds_bytes_ = 0;
}

SegmentPtr merge_segments(const std::vector<SegmentPtr>& segments, std::shared_ptr<Region> region) {
  SegmentBuilder builder(std::move(region));
  base::TimePoint read_at = segments.front()->read_at();
  for (const SegmentPtr& segment : segments) {
    read_at = std::min(read_at, segment->read_at());
    for (std::size_t index = 0; index < segment->events().size(); ++index) {
      builder.append(segment->events()[index], segment->aggregate_hashes()[index]);
    }
  }
  return builder.finish(segments.front()->after(), segments.back()->to(), segments.front()->incarnation(), read_at);
}

} // namespace projector::eventlog
