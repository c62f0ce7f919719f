#include "projection/result_rows.hpp"

namespace projector::projection {

bool ResultRows::get(std::size_t row, std::size_t column, projector_value& value) const {
  if (row >= result_.rows() || column >= result_.columns()) {
    return false;
  }
  value = {};
  value.oid = result_.type(column);
  value.binary = result_.is_binary(column) ? 1 : 0;
  if (!result_.is_null(row, column)) {
    const auto bytes = result_.bytes(row, column);
    value.data = bytes.data();
    value.size = bytes.size();
  }
  return true;
}

} // namespace projector::projection
