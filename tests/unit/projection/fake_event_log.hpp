#pragma once

#include "eventlog/event_log.hpp"
#include "eventlog/segment_builder.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace projector::test {

/// The fields of an event that a test sets; the others get default values.
struct EventText {
  std::int64_t position = 0;
  std::string aggregate_id = "a";
  std::string event_type = "Happened";
  std::string aggregate_type = "thing";
  std::string bounded_context = "test";
  std::string payload = "{}";
};

/// One for all tests of a program.
inline std::shared_ptr<eventlog::Region> test_region() {
  static const auto region = eventlog::Region::create(16u << 20);
  return region;
}

inline projector_str as_str(const std::string& text) {
  return {text.data(), text.size()};
}

/// Makes a segment that covers (after, to] with these events.
inline eventlog::SegmentPtr make_segment(std::int64_t after, std::int64_t to, const std::vector<EventText>& events,
                                         std::uint64_t incarnation = 1, base::TimePoint read_at = base::Clock::now()) {
  eventlog::SegmentBuilder builder(test_region());
  for (const auto& text : events) {
    projector_event event{};
    event.struct_size = sizeof event;
    event.global_position = text.position;
    event.bounded_context = as_str(text.bounded_context);
    event.aggregate_type = as_str(text.aggregate_type);
    event.aggregate_id = as_str(text.aggregate_id);
    event.event_type = as_str(text.event_type);
    event.payload = as_str(text.payload);
    builder.append(event);
  }
  return builder.finish(after, to, incarnation, read_at);
}

/// An event log with the events that a test adds. Any thread.
class FakeEventLog final : public eventlog::EventLog {
public:
  using Next = eventlog::Cursor::Next;
  using Status = eventlog::Cursor::Status;

  /// Adds a segment after the last one; it is settled at once.
  void add(std::int64_t to, const std::vector<EventText>& events, base::TimePoint read_at = base::Clock::now()) {
    const std::lock_guard lock(mutex_);
    segments_.push_back(make_segment(last_, to, events, incarnation_, read_at));
    last_ = settled_ = to;
    changed_.notify_all();
  }
  /// Adds one event at each position from the next one up to `to`.
  void add_up_to(std::int64_t to) {
    std::vector<EventText> events;
    for (std::int64_t position = last_position() + 1; position <= to; ++position) {
      events.push_back({.position = position, .aggregate_id = "a" + std::to_string(position)});
    }
    add(to, events);
  }
  /// Cursors return this once, before anything else.
  void answer_next(Next next) {
    const std::lock_guard lock(mutex_);
    scripted_.push_back(std::move(next));
    changed_.notify_all();
  }
  /// Loses the store connection and connects again; the events are the same.
  void reconnect() {
    const std::lock_guard lock(mutex_);
    ++incarnation_;
    for (auto& segment : segments_) {
      segment = copy_with_incarnation(*segment);
    }
    lost_ = true;
    changed_.notify_all();
  }
  void set_settled(std::int64_t position) {
    const std::lock_guard lock(mutex_);
    settled_ = position;
  }
  void set_last_position(std::int64_t position) {
    const std::lock_guard lock(mutex_);
    last_ = position;
  }
  void set_store(eventlog::StoreIdentity identity) {
    const std::lock_guard lock(mutex_);
    identity_ = std::move(identity);
  }
  /// Sets the result of confirm.
  std::atomic<bool> confirms = true;
  std::atomic<int> confirmations = 0; ///< calls of confirm
  std::atomic<int> looks = 0;         ///< answers of cursors
  std::atomic<int> restarts = 0;      ///< calls of restarted

  std::unique_ptr<eventlog::Cursor> cursor(eventlog::Filter filter, bool durable_only, base::TimePoint) override {
    const std::lock_guard lock(mutex_);
    last_filter = std::move(filter);
    last_durable_only = durable_only;
    return std::make_unique<FakeCursor>(*this);
  }
  eventlog::Filter last_filter;
  bool last_durable_only = false;

  [[nodiscard]] std::shared_ptr<eventlog::Region> region() const override { return test_region(); }
  std::int64_t settled() const override { return locked(settled_); }
  std::int64_t durable_settled() const override { return locked(settled_); }
  [[nodiscard]] std::vector<eventlog::EventMark> marks() const override { return {}; }
  std::int64_t last_position() const override { return locked(last_); }
  std::uint64_t incarnation() const override { return locked(incarnation_); }
  bool confirm(std::uint64_t incarnation, const base::Stop&) override {
    ++confirmations;
    return confirms && incarnation == this->incarnation();
  }
  eventlog::StoreIdentity identity() const override { return locked(identity_); }
  bool settle(const base::Stop& stop) override { return !stop.requested(); }
  Snapshot snapshot() const override { return {}; }

private:
  class FakeCursor final : public eventlog::Cursor {
  public:
    explicit FakeCursor(FakeEventLog& log) : log_(log) {}
    Next next(std::int64_t after, base::TimePoint deadline, const base::Stop& stop) override {
      std::unique_lock lock(log_.mutex_);
      std::optional<Next> found;
      log_.changed_.wait_until(lock, stop.token(), deadline, [&] {
        found = log_.find(after);
        return found.has_value();
      });
      ++log_.looks;
      if (stop.requested()) {
        return {Status::Stopped, nullptr, {}};
      }
      return found.value_or(Next{Status::NoneYet, nullptr, {}});
    }
    void restarted() override {
      const std::lock_guard lock(log_.mutex_);
      ++log_.restarts;
      log_.lost_ = false;
    }

  private:
    FakeEventLog& log_;
  };

  std::optional<Next> find(std::int64_t after) {
    if (!scripted_.empty()) {
      Next next = std::move(scripted_.front());
      scripted_.pop_front();
      return next;
    }
    if (lost_) {
      return Next{Status::NewStore, nullptr, {}};
    }
    for (const auto& segment : segments_) {
      if (segment->after() <= after && after < segment->to()) {
        return Next{Status::Segment, segment, {}};
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] eventlog::SegmentPtr copy_with_incarnation(const eventlog::Segment& segment) const {
    eventlog::SegmentBuilder builder(test_region());
    for (const auto& event : segment.events()) {
      builder.append(event);
    }
    return builder.finish(segment.after(), segment.to(), incarnation_, base::Clock::now());
  }

  template <class Value>
  Value locked(const Value& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_; ///< guards what follows
  std::condition_variable_any changed_;
  std::vector<eventlog::SegmentPtr> segments_;
  std::deque<Next> scripted_;
  bool lost_ = false;
  std::int64_t settled_ = 0;
  std::int64_t last_ = 0;
  std::uint64_t incarnation_ = 1;
  eventlog::StoreIdentity identity_{"7000/1/2", 1};
};

} // namespace projector::test
