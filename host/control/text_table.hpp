#pragma once

#include <string>
#include <vector>

namespace projector::control {

/// Cells aligned in columns, two spaces apart; the first row is the heading. Each cell is one line of UTF-8. Lines have
/// no trailing spaces; each ends with a line feed.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

} // namespace projector::control
