#pragma once

#include <chrono>
#include <functional>

namespace projector::test {

/// Polls `condition` every millisecond until it holds; false after `limit`, which only ends a broken test and does not
/// measure anything.
bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(30));

} // namespace projector::test
