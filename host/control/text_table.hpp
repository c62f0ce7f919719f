#pragma once

#include <string>
#include <vector>

namespace projector::control {

/// Rows of cells with their columns one under another, two blanks apart; the first row is the heading. Cells are one
/// line of UTF-8. No blanks at the ends of lines; each ends with a line feed.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

} // namespace projector::control
