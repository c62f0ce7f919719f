#pragma once

#include <cstdint>
#include <string>

namespace projector::test {

/// A database with the store's tables and some events.
std::string store_with_events(std::uint64_t events);
/// Whether the first cell is `value`, now or within half a minute.
bool becomes(const std::string& dsn, const std::string& sql, const std::string& value);
/// SQL for a worker's state, and for its reason, by the name of its checkpoint.
std::string state_of(const std::string& name);
std::string reason_of(const std::string& name);

} // namespace projector::test
