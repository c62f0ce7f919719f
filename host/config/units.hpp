#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace projector::config {

/// "250ms", "1s": a whole number and one of us, ms, s, m, h, d. Nothing if it is not that or does not fit.
std::optional<base::Duration> parse_duration(std::string_view text);
/// A whole number and one of B, KiB, MiB, GiB, as bytes. Nothing if it is not that or does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// In the largest unit that gives a whole number; parse_duration returns the same value. Not for negative ones.
std::string format_duration(base::Duration duration);
/// In the largest unit that gives a whole number; parse_size returns the same value.
std::string format_size(std::uint64_t bytes);

} // namespace projector::config
