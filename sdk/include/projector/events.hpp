#pragma once

#include <projector/plugin.h>
#include <projector/values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace projector {

/// A view of one event of the running batch; valid until the call returns. Copy what is needed longer.
class Event {
public:
  Event(const projector_event& event, std::uint32_t index) noexcept : event_(&event), index_(index) {}

  [[nodiscard]] std::int64_t global_position() const noexcept { return event_->global_position; }
  [[nodiscard]] std::int64_t aggregate_version() const noexcept { return event_->aggregate_version; }
  [[nodiscard]] std::int32_t event_version() const noexcept { return event_->event_version; }
  [[nodiscard]] Timestamp created_at() const noexcept { return Timestamp(event_->created_at_us); }
  [[nodiscard]] Uuid event_id() const noexcept {
    Uuid uuid;
    std::copy_n(event_->event_id, uuid.bytes.size(), uuid.bytes.begin());
    return uuid;
  }
  [[nodiscard]] std::string_view bounded_context() const noexcept { return text(event_->bounded_context); }
  [[nodiscard]] std::string_view aggregate_type() const noexcept { return text(event_->aggregate_type); }
  [[nodiscard]] std::string_view aggregate_id() const noexcept { return text(event_->aggregate_id); }
  [[nodiscard]] std::string_view event_type() const noexcept { return text(event_->event_type); }
  /// As stored, usually JSON. As a parameter it is text; pass payload_bytes() on to a bytea.
  [[nodiscard]] std::string_view payload() const noexcept { return text(event_->payload); }
  [[nodiscard]] Bytes payload_bytes() const noexcept { return Bytes::of(text(event_->payload)); }
  [[nodiscard]] std::optional<std::string_view> metadata() const noexcept { return nullable(event_->metadata); }
  [[nodiscard]] std::optional<std::string_view> trace_id() const noexcept { return nullable(event_->trace_id); }
  [[nodiscard]] std::optional<std::string_view> correlation_id() const noexcept {
    return nullable(event_->correlation_id);
  }
  [[nodiscard]] std::optional<std::string_view> causation_id() const noexcept { return nullable(event_->causation_id); }

  /// Its place in the batch, from 0.
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  /// The event of the C interface.
  [[nodiscard]] const projector_event& raw() const noexcept { return *event_; }

private:
  static std::string_view text(const projector_str& value) noexcept {
    return value.data == nullptr ? std::string_view("") : std::string_view(value.data, value.size);
  }
  static std::optional<std::string_view> nullable(const projector_str& value) noexcept {
    return value.data == nullptr ? std::nullopt : std::optional<std::string_view>(text(value));
  }

  const projector_event* event_;
  std::uint32_t index_;
};

namespace detail {

/// Writes the index of the event at hand to where the host reads it if the process ends. `current` may be null.
inline void write_current(std::uint32_t* current, std::uint32_t index) noexcept {
  if (current != nullptr) {
    // The fences keep the compiler from moving what may crash to the other side of the store.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(current, index, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
}

} // namespace detail

/// A view of the events handed over in one call, in order of position; valid until the call returns.
class Batch {
public:
  explicit Batch(const projector_batch& batch) noexcept
      : batch_(&batch), current_(PROJECTOR_HAS(projector_batch, &batch, current) ? batch.current : nullptr) {}

  /// At least 1.
  [[nodiscard]] std::size_t size() const noexcept { return batch_->n_events; }
  [[nodiscard]] Event operator[](std::size_t index) const noexcept {
    return {*batch_->events[index], static_cast<std::uint32_t>(index)};
  }

  /// Tells the host that the code that follows works on this event, so that it knows which one to blame if the process
  /// ends there. A loop over the batch (for (const Event event : batch)) does so for each event, and ends the last one.
  void begin_event(const Event& event) const noexcept { detail::write_current(current_, event.index()); }
  /// Tells the host that the code that follows works on no event alone. It is for loops that are left early.
  void end_event() const noexcept { detail::write_current(current_, PROJECTOR_NO_EVENT); }

  /// Begins each event that it is read for, and ends the last one.
  class Iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Event;
    Iterator() noexcept = default;
    Iterator(const projector_batch* batch, std::uint32_t* current, std::size_t index) noexcept
        : batch_(batch), current_(current), index_(index) {}
    Event operator*() const noexcept {
      const auto index = static_cast<std::uint32_t>(index_);
      detail::write_current(current_, index);
      return {*batch_->events[index_], index};
    }
    Iterator& operator++() noexcept {
      if (++index_ == batch_->n_events) {
        detail::write_current(current_, PROJECTOR_NO_EVENT);
      }
      return *this;
    }
    Iterator operator++(int) noexcept {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.index_ == b.index_; }
    friend bool operator!=(const Iterator& a, const Iterator& b) noexcept { return a.index_ != b.index_; }

  private:
    const projector_batch* batch_ = nullptr;
    std::uint32_t* current_ = nullptr;
    std::size_t index_ = 0;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {batch_, current_, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {batch_, current_, size()}; }

  /// Some of these events may have been handed over before.
  [[nodiscard]] bool repeated() const noexcept { return (batch_->flags & PROJECTOR_BATCH_REPEATED) != 0; }
  /// These events were handled before a reset or seek, and are handled again.
  [[nodiscard]] bool rebuilding() const noexcept { return (batch_->flags & PROJECTOR_BATCH_REBUILD) != 0; }
  /// 1, 2, ..: how often the first of these events was handed to this instance.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return batch_->attempt; }
  /// The store's settled position when this batch was made.
  [[nodiscard]] std::int64_t head_position() const noexcept { return batch_->head_position; }
  [[nodiscard]] const projector_batch& raw() const noexcept { return *batch_; }

private:
  const projector_batch* batch_;
  std::uint32_t* current_; ///< null if the host does not ask for it
};

} // namespace projector
