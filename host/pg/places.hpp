#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace projector::pg {

/// Decides which owners may hold a connection of a pool, and which waiter is next. Pure: without locks, clocks and
/// connections.
class Places {
public:
  struct Limits {
    std::uint32_t size;        ///< number of places that count, at least 1
    std::uint32_t most;        ///< number of all places, at least `size`
    base::Duration hold_limit; ///< a place that was held for this long does not count any more
  };
  struct Place {
    std::string owner;
    base::TimePoint since;
  };
  using Held = std::list<Place>::iterator;
  struct Waiter {
    std::string owner;
    std::optional<Held> held; ///< set when it has got a place
  };

  explicit Places(const Limits& limits) : limits_(limits) {}

  /// Adds the waiter to the end of the queue. Its address must not change until it has a place or leaves.
  void enter(Waiter& waiter) { queue_.push_back(&waiter); }
  void leave(Waiter& waiter) { queue_.remove(&waiter); }
  void give_back(Held held) { held_.erase(held); }
  /// Gives a place to the next waiter and removes it from the queue; nullptr if no waiter may have one now.
  Waiter* next(base::TimePoint now);
  /// When the next held place ceases to count, so that next() has to be called again.
  [[nodiscard]] std::optional<base::TimePoint> next_change(base::TimePoint now) const;

  [[nodiscard]] std::uint32_t held() const noexcept { return static_cast<std::uint32_t>(held_.size()); }
  [[nodiscard]] std::uint32_t waiting() const noexcept { return static_cast<std::uint32_t>(queue_.size()); }

private:
  [[nodiscard]] bool counts(const Place& place, base::TimePoint now) const {
    return now - place.since < limits_.hold_limit;
  }
  [[nodiscard]] bool owner_may(std::string_view owner, base::TimePoint now) const;

  Limits limits_;
  std::list<Place> held_;
  std::list<Waiter*> queue_;
};

} // namespace projector::pg
