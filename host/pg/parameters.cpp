#include "pg/parameters.hpp"

#include "pg/types.hpp"

#include <limits>
#include <stdexcept>

namespace projector::pg {

namespace {

template <typename Unsigned>
void append_big_endian(std::string& to, Unsigned value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
    to.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

template <typename Unsigned>
std::string big_endian(Unsigned value) {
  std::string bytes;
  append_big_endian(bytes, value);
  return bytes;
}

void refuse_nul(std::string_view text) {
  if (const auto at = text.find('\0'); at != std::string_view::npos) {
    throw std::invalid_argument("a text parameter has a NUL byte at offset " + std::to_string(at) +
                                ", which PostgreSQL cannot store in text; send it as bytea");
  }
}

std::int32_t checked_size(std::size_t size) {
  if (size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("a statement's parameter has " + std::to_string(size) +
                            " bytes; PostgreSQL takes 2147483647 at most");
  }
  return static_cast<std::int32_t>(size);
}

/// The head of a one-dimensional array in binary form, as array_recv reads it: dimensions, whether there are NULLs, the
/// elements' type, then each dimension's length and lower bound. An empty array has no dimension.
std::string array_head(std::size_t length, std::uint32_t element_oid) {
  std::string bytes;
  append_big_endian<std::uint32_t>(bytes, length == 0 ? 0 : 1);
  append_big_endian<std::uint32_t>(bytes, 0);
  append_big_endian(bytes, element_oid);
  if (length != 0) {
    append_big_endian(bytes, static_cast<std::uint32_t>(checked_size(length)));
    append_big_endian<std::uint32_t>(bytes, 1);
  }
  return bytes;
}

} // namespace

Parameters& Parameters::text(std::string_view value, std::uint32_t oid) {
  refuse_nul(value);
  return add(value, oid, false);
}

Parameters& Parameters::binary(std::string_view bytes, std::uint32_t oid) {
  return add(bytes, oid, true);
}

Parameters& Parameters::int8(std::int64_t value) {
  return add(big_endian(static_cast<std::uint64_t>(value)), oid::kInt8, true);
}

Parameters& Parameters::int4(std::int32_t value) {
  return add(big_endian(static_cast<std::uint32_t>(value)), oid::kInt4, true);
}

Parameters& Parameters::boolean(bool value) {
  return add(std::string_view(value ? "\1" : "\0", 1), oid::kBool, true);
}

Parameters& Parameters::null(std::uint32_t oid) {
  values_.push_back({buffer_.size(), -1, oid, false});
  return *this;
}

Parameters& Parameters::text_array(const std::vector<std::string>& values) {
  std::string bytes = array_head(values.size(), oid::kText);
  for (const auto& value : values) {
    refuse_nul(value);
    append_big_endian(bytes, static_cast<std::uint32_t>(checked_size(value.size())));
    bytes += value;
  }
  return add(bytes, oid::kTextArray, true);
}

Parameters& Parameters::int8_array(const std::vector<std::int64_t>& values) {
  std::string bytes = array_head(values.size(), oid::kInt8);
  bytes.reserve(bytes.size() + values.size() * 12);
  for (const auto value : values) {
    append_big_endian<std::uint32_t>(bytes, 8);
    append_big_endian(bytes, static_cast<std::uint64_t>(value));
  }
  return add(bytes, oid::kInt8Array, true);
}

void Parameters::clear() {
  buffer_.clear();
  values_.clear();
}

void Parameters::arrays(Arrays& arrays) const {
  arrays.types.clear();
  arrays.values.clear();
  arrays.lengths.clear();
  arrays.formats.clear();
  for (const Value& value : values_) {
    arrays.types.push_back(value.oid);
    arrays.values.push_back(value.size < 0 ? nullptr : buffer_.data() + value.offset);
    arrays.lengths.push_back(value.size < 0 ? 0 : value.size);
    arrays.formats.push_back(value.binary ? 1 : 0);
  }
}

Parameters& Parameters::add(std::string_view bytes, std::uint32_t oid, bool is_binary) {
  values_.push_back({buffer_.size(), checked_size(bytes.size()), oid, is_binary});
  buffer_ += bytes;
  buffer_ += '\0';
  return *this;
}

} // namespace projector::pg
