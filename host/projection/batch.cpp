#include "projection/batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace projector::projection {
namespace {

std::size_t text_bytes(const projector_event& event) {
  return event.bounded_context.size + event.aggregate_type.size + event.aggregate_id.size + event.event_type.size +
         event.payload.size + event.metadata.size + event.trace_id.size + event.correlation_id.size +
         event.causation_id.size;
}

std::size_t event_bytes(const projector_event& event) {
  return sizeof event + text_bytes(event);
}

void copy_text(projector_str& text, char*& to) {
  if (text.data == nullptr) {
    return;
  }
  std::memcpy(to, text.data, text.size);
  text.data = to;
  to += text.size;
}

} // namespace

BatchCutter::BatchCutter(eventlog::EventLog& log, eventlog::Filter filter, bool durable_only,
                         base::TimePoint not_before)
    : log_(log), filter_(filter), cursor_(log.cursor(std::move(filter), durable_only, not_before)) {}

BatchCutter::Cut BatchCutter::cut(Batch& batch, std::int64_t after, const BatchLimits& limits, base::TimePoint deadline,
                                  base::Duration scan_limit, const base::Stop& stop) {
  using Status = eventlog::Cursor::Status;
  batch.events_.clear();
  batch.segments_.clear();
  batch.copies_.clear();
  batch.after_ = batch.to_ = after;
  batch.bytes_ = 0;
  base::TimePoint scan_until = base::TimePoint::max();
  while (true) {
    const auto next = cursor_->next(batch.to_, batch.to_ == after ? deadline : fill_deadline(batch.to_), stop);
    if (next.status != Status::Segment) {
      // What was cut so far is good, except after a lost store.
      const bool keep = batch.to_ > after && next.status == Status::NoneYet;
      return {keep ? Status::Segment : next.status, next.reason};
    }
    if (batch.to_ == after) {
      batch.incarnation_ = next.segment->incarnation();
      batch.read_at_ = next.segment->read_at();
      scan_until = base::Clock::now() + scan_limit;
    } else if (next.segment->incarnation() != batch.incarnation_) {
      return {};
    }
    batch.read_at_ = std::min(batch.read_at_, next.segment->read_at());
    if (take(batch, next.segment, limits) || base::Clock::now() >= scan_until) {
      return {};
    }
  }
}

/// A batch that has begun waits for more only while more is settled, that is, being read.
base::TimePoint BatchCutter::fill_deadline(std::int64_t position) const {
  constexpr auto kReadSoon = std::chrono::milliseconds(20);
  return position < log_.settled() ? base::Clock::now() + kReadSoon : base::TimePoint{};
}

bool BatchCutter::take(Batch& batch, const std::shared_ptr<const eventlog::Segment>& segment,
                       const BatchLimits& limits) {
  const auto events = segment->events();
  const auto first = std::upper_bound(
      events.begin(), events.end(), batch.to_,
      [](std::int64_t position, const projector_event& event) { return position < event.global_position; });
  match_kinds(*segment);
  const std::size_t room = limits.events - batch.events_.size();
  matching_.clear();
  std::size_t matching_bytes = 0;
  bool full = false;
  for (auto index = static_cast<std::uint32_t>(first - events.begin()); index < events.size(); ++index) {
    if (kind_matches_[segment->event_kinds()[index]] == 0 ||
        !filter_.matches_partition(segment->aggregate_hashes()[index])) {
      continue;
    }
    if (events[index].global_position > limits.up_to) {
      break;
    }
    const std::size_t bytes = event_bytes(events[index]);
    const bool alone = batch.events_.empty() && matching_.empty();
    full = matching_.size() == room || (!alone && batch.bytes_ + matching_bytes + bytes > limits.bytes);
    if (full) {
      break;
    }
    matching_.push_back(index);
    matching_bytes += bytes;
  }
  // Where few of the segment's events match, copies keep less memory than the segment.
  const bool copy = matching_bytes * 2 < segment->bytes() && !filter_.everything();
  if (copy && !matching_.empty()) {
    batch.bytes_ += copy_matching(batch, *segment, matching_bytes);
  } else if (!matching_.empty()) {
    for (const std::uint32_t index : matching_) {
      batch.events_.push_back(&events[index]);
    }
    batch.segments_.push_back(segment);
    batch.bytes_ += std::max(matching_bytes, segment->bytes());
  }
  full = full || batch.events_.size() == limits.events;
  batch.to_ = full ? std::max(batch.to_, batch.events_.back()->global_position) : std::min(segment->to(), limits.up_to);
  return full || batch.bytes_ >= limits.bytes || batch.to_ == limits.up_to;
}

/// Copies the matching events, which take `bytes`, and returns the memory of the copies.
std::size_t BatchCutter::copy_matching(Batch& batch, const eventlog::Segment& segment, std::size_t bytes) {
  auto block = log_.region()->allocate(bytes + 1); // empty text has an address in it, too
  auto* const copies = reinterpret_cast<projector_event*>(block.data());
  char* to = block.data() + matching_.size() * sizeof(projector_event);
  for (std::size_t count = 0; count < matching_.size(); ++count) {
    auto* const own = new (copies + count) projector_event(segment.events()[matching_[count]]);
    for (projector_str* part :
         {&own->bounded_context, &own->aggregate_type, &own->aggregate_id, &own->event_type, &own->payload,
          &own->metadata, &own->trace_id, &own->correlation_id, &own->causation_id}) {
      copy_text(*part, to);
    }
    batch.events_.push_back(own);
  }
  batch.copies_.push_back(std::move(block));
  return batch.copies_.back().size();
}

void BatchCutter::match_kinds(const eventlog::Segment& segment) {
  kind_matches_.clear();
  for (const auto& kind : segment.kinds()) {
    kind_matches_.push_back(filter_.matches(kind) ? 1 : 0);
  }
}

std::string describe(const projector_event& event) {
  return fmt::format("event at position {} ({} of {} {})", event.global_position,
                     std::string_view(event.event_type.data, event.event_type.size),
                     std::string_view(event.aggregate_type.data, event.aggregate_type.size),
                     std::string_view(event.aggregate_id.data, event.aggregate_id.size));
}

} // namespace projector::projection
