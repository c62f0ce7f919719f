#pragma once

#include "channel/writer.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace projector::channel {

/// Begins Kind::Rows; rows * columns calls of append_cell follow, row by row.
void begin_rows(Writer& writer, std::uint64_t rows, std::uint32_t columns, std::int64_t affected);
void append_cell(Writer& writer, const projector_value& value);

/// The rows of one query as a plugin reads them. Keeps a copy of its own of the message. Owned by the runner; one
/// thread.
class Rows {
public:
  /// Throws Malformed.
  explicit Rows(std::string_view message);
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::int64_t affected() const noexcept { return affected_; }
  /// False if there is no such cell.
  bool get(std::size_t row, std::size_t column, projector_value& value) const noexcept;

private:
  const std::string message_;
  std::size_t count_ = 0;
  std::size_t columns_ = 0;
  std::int64_t affected_ = 0;
  std::vector<projector_value> cells_;
};

} // namespace projector::channel
