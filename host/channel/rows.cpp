#include "channel/rows.hpp"

#include "channel/cell.hpp"
#include "channel/reader.hpp"

namespace projector::channel {

void begin_rows(Writer& writer, std::uint64_t rows, std::uint32_t columns, std::int64_t affected) {
  writer.u64(rows);
  writer.u32(columns);
  writer.i64(affected);
}

void append_cell(Writer& writer, const projector_value& value) {
  write_cell(writer, value);
}

Rows::Rows(std::string_view message) : message_(message) {
  Reader reader(message_);
  count_ = reader.u64("the number of rows");
  columns_ = reader.u32("the number of columns");
  affected_ = reader.i64("the number of affected rows");
  if (columns_ > 0 && count_ > reader.left() / kLeastCell / columns_) {
    throw Malformed("malformed message: expected " + std::to_string(count_) + " rows of " + std::to_string(columns_) +
                    " columns, for which " + std::to_string(reader.left()) + " bytes are too few");
  }
  const std::size_t n_cells = count_ * columns_;
  cells_.reserve(n_cells);
  for (std::size_t i = 0; i < n_cells; ++i) {
    cells_.push_back(read_cell(reader));
  }
  reader.end();
}

bool Rows::get(std::size_t row, std::size_t column, projector_value& value) const noexcept {
  if (row >= count_ || column >= columns_) {
    return false;
  }
  value = cells_[row * columns_ + column];
  return true;
}

} // namespace projector::channel
