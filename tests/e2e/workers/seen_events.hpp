#pragma once

#include <cstdint>
#include <string>

namespace projector::test {

/// Makes the table in which the recorder of this projection writes what it sees, with columns that it knows nothing of:
/// `n` counts in the order of handling, `writer` is the session's application name, `at` the time.
void make_seen_table(const std::string& dsn, const std::string& projection);

/// Adds test failures unless the recorder saw each event once, each partition in the order of positions, and each
/// aggregate's events in the partition that its id's hash gives it, which is computed here independently.
void expect_seen_once_in_order(const std::string& dsn, const std::string& projection, std::uint32_t partitions);

/// Adds a test failure if the read model of a shipped plugin, which has its projection's name, is not what SQL computes
/// from the events.
void expect_right(const std::string& dsn, const std::string& plugin);

} // namespace projector::test
