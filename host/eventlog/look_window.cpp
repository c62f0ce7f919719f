#include "eventlog/look_window.hpp"

#include <algorithm>
#include <utility>

namespace projector::eventlog {

LookWindow::LookWindow(std::int64_t settled, std::uint64_t incarnation, std::size_t most_bytes, SegmentBuilder& builder)
    : incarnation_(incarnation), most_bytes_(most_bytes), builder_(builder), gaps_(settled), taken_to_(settled) {
  builder_.clear();
}

void LookWindow::add(const projector_event& event) {
  const std::size_t size = event_bytes(event);
  full_ = full_ || (rows_ > 0 && bytes_ + size > most_bytes_);
  if (full_) {
    return;
  }
  const bool opens_the_first_gap = gaps_.missing().empty() && event.global_position != gaps_.highest() + 1;
  if (builder_.full_for(text_bytes(event)) || opens_the_first_gap) {
    cut_snapshot();
  }
  gaps_.add(event.global_position);
  builder_.append(event);
  bytes_ += size;
  if (gaps_.missing().empty()) {
    ready_bytes_ += size;
  }
  ++rows_;
}

void LookWindow::add_unread(std::int64_t position) {
  if (full_) {
    return;
  }
  cut_snapshot();
  gaps_.add(position);
  if (gaps_.missing().empty()) {
    taken_to_ = position;
  } else {
    held_.push_back({.position = position, .segment = nullptr});
  }
}

void LookWindow::end_of_snapshot() {
  cut_snapshot();
}

/// Called before the first gap is added, so that a segment has either contiguous rows or rows above a gap.
void LookWindow::cut_snapshot() {
  if (builder_.empty()) {
    return;
  }
  if (gaps_.missing().empty()) {
    ready_.push_back(finish_to(builder_.last_position()));
  } else {
    hold_back(builder_.finish(0, 0, incarnation_, began_));
  }
}

void LookWindow::hold_back(const SegmentPtr& segment) {
  for (std::size_t index = 0; index < segment->events().size(); ++index) {
    held_.push_back({.position = segment->events()[index].global_position, .segment = segment, .index = index});
  }
}

void LookWindow::add_filling(const projector_event& event) {
  if (builder_.full_for(text_bytes(event))) {
    cut_filling();
  }
  builder_.append(event);
  filling_.push_back(event.global_position);
  bytes_ += event_bytes(event);
  filling_bytes_ += event_bytes(event);
}

void LookWindow::add_unread_filling(std::int64_t position) {
  cut_filling();
  held_.push_back({.position = position, .segment = nullptr});
  merge_held(held_.size() - 1);
  filling_.push_back(position);
}

void LookWindow::cut_filling() {
  if (!builder_.empty()) {
    const std::size_t middle = held_.size();
    hold_back(builder_.finish(0, 0, incarnation_, began_));
    merge_held(middle);
  }
}

void LookWindow::merge_held(std::size_t middle) {
  std::inplace_merge(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(middle), held_.end(),
                     [](const Row& left, const Row& right) { return left.position < right.position; });
}

void LookWindow::end_of_filling() {
  cut_filling();
  gaps_.fill(filling_);
  filling_.clear();
  filling_bytes_ = 0;
}

void LookWindow::drop_filling() {
  builder_.clear();
  std::erase_if(held_,
                [&](const Row& row) { return std::binary_search(filling_.begin(), filling_.end(), row.position); });
  filling_.clear();
  bytes_ -= std::exchange(filling_bytes_, 0);
}

std::vector<SegmentPtr> LookWindow::take_contiguous() {
  std::vector<SegmentPtr> segments = std::exchange(ready_, {});
  bytes_ -= std::exchange(ready_bytes_, 0);
  const std::int64_t to = gaps_.contiguous();
  auto next = held_.begin();
  for (; next != held_.end() && next->position <= to; ++next) {
    if (next->segment == nullptr) {
      if (taken_to_ < next->position - 1) {
        segments.push_back(finish_to(next->position - 1));
      }
      taken_to_ = next->position;
      continue;
    }
    const projector_event& event = next->segment->events()[next->index];
    if (builder_.full_for(text_bytes(event))) {
      segments.push_back(finish_to(builder_.last_position()));
    }
    builder_.append(event, next->segment->aggregate_hashes()[next->index]);
    bytes_ -= event_bytes(event);
  }
  held_.erase(held_.begin(), next);
  if (taken_to_ < to) {
    segments.push_back(finish_to(to));
  }
  return segments;
}

SegmentPtr LookWindow::finish_to(std::int64_t to) {
  return builder_.finish(std::exchange(taken_to_, to), to, incarnation_, began_);
}

} // namespace projector::eventlog
