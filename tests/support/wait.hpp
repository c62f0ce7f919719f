#pragma once

#include <chrono>
#include <functional>

namespace projector::test {

/// Looks every millisecond until `condition` holds; false once `limit` has passed. The limit is there to end a broken
/// test, not to measure anything.
bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(30));

} // namespace projector::test
