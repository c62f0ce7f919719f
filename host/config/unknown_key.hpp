#pragma once

#include "config/value.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::config {

/// The candidate with the smallest edit distance (Damerau's, restricted: optimal string alignment) to `word`, if it
/// is small enough for a typing error: at most a third of the longer one's length. The first if several are equally
/// near.
std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

/// The problem for a key that is unknown in its table. `table` is "event_store", "defaults", "projection.NAME", or
/// empty for the top of the file.
Problem unknown_key(const Member& member, std::string_view table);

} // namespace projector::config
