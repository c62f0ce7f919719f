#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace projector::config {

/// "250ms", "1s": a whole number and one of us, ms, s, m, h, d. Nothing where it is not one or does
/// not fit.
std::optional<base::Duration> parse_duration(std::string_view text);
/// A whole number and one of B, KiB, MiB, GiB; bytes. Nothing where it is not one or does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// In the largest unit that leaves a whole number; parse_duration reads it back as the same. Not for negative ones.
std::string format_duration(base::Duration duration);
/// In the largest unit that leaves a whole number; parse_size reads it back as the same.
std::string format_size(std::uint64_t bytes);

} // namespace projector::config
