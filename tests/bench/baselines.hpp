#pragma once

#include <cstdint>
#include <string>

namespace projector::bench {

/// Seconds that one libpq connection takes to COPY all events, in order and in binary, only counting the rows. Throws
/// std::runtime_error if the count is not `events`.
double copy_seconds(const std::string& dsn, std::uint64_t events);

/// Seconds of a bare libpq pipeline loop that runs, for the first `events` events, the statements of bench_upserts, a
/// transaction for every `batch` of them. Reading the events is not counted. Leaves the table baseline_upserts.
double pipeline_seconds(const std::string& dsn, std::uint64_t events, std::uint32_t batch);

} // namespace projector::bench
