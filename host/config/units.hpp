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
/// The shortest text that parse_duration reads back as the same.
std::string format_duration(base::Duration duration);
/// The shortest text that parse_size reads back as the same.
std::string format_size(std::uint64_t bytes);

} // namespace projector::config
