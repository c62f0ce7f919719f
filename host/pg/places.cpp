#include "pg/places.hpp"

#include <algorithm>

namespace projector::pg {

Places::Waiter* Places::next(base::TimePoint now) {
  const auto counted =
      std::count_if(held_.begin(), held_.end(), [&](const Place& place) { return counts(place, now); });
  if (counted >= limits_.size || held() >= limits_.most) {
    return nullptr;
  }
  const auto turn =
      std::find_if(queue_.begin(), queue_.end(), [&](const Waiter* waiter) { return owner_may(waiter->owner, now); });
  if (turn == queue_.end()) {
    return nullptr;
  }
  Waiter* const waiter = *turn;
  queue_.erase(turn);
  waiter->held = held_.insert(held_.end(), {waiter->owner, now});
  return waiter;
}

std::optional<base::TimePoint> Places::next_change(base::TimePoint now) const {
  std::optional<base::TimePoint> earliest;
  for (const Place& place : held_) {
    if (counts(place, now)) {
      const auto end = place.since + limits_.hold_limit;
      earliest = std::min(end, earliest.value_or(end));
    }
  }
  return earliest;
}

/// An owner may not take the last place while another owner waits.
bool Places::owner_may(std::string_view owner, base::TimePoint now) const {
  const bool others_wait =
      std::any_of(queue_.begin(), queue_.end(), [&](const Waiter* waiter) { return waiter->owner != owner; });
  const auto own = std::count_if(held_.begin(), held_.end(),
                                 [&](const Place& place) { return place.owner == owner && counts(place, now); });
  return !others_wait || own < std::max<std::int64_t>(1, std::int64_t{limits_.size} - 1);
}

} // namespace projector::pg
