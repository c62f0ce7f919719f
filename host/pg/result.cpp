#include "pg/result.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <stdexcept>
#include <string>

namespace projector::pg {

namespace {

[[noreturn]] void throw_unexpected(std::size_t row, std::size_t column, std::string_view found, const char* expected) {
  throw std::logic_error("row " + std::to_string(row) + ", column " + std::to_string(column) + " of a result: found " +
                         std::string(found) + ", expected " + expected);
}

} // namespace

void Result::Clear::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

std::size_t Result::rows() const {
  return static_cast<std::size_t>(PQntuples(get()));
}

std::size_t Result::columns() const {
  return static_cast<std::size_t>(PQnfields(get()));
}

std::int64_t Result::affected() const {
  const std::string_view count = result_ ? PQcmdTuples(get()) : "";
  std::int64_t value = 0;
  std::from_chars(count.data(), count.data() + count.size(), value);
  return value;
}

bool Result::is_null(std::size_t row, std::size_t column) const {
  return PQgetisnull(get(), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::string_view Result::bytes(std::size_t row, std::size_t column) const {
  const char* data = PQgetvalue(get(), static_cast<int>(row), static_cast<int>(column));
  if (data == nullptr) {
    return {};
  }
  return {data, static_cast<std::size_t>(PQgetlength(get(), static_cast<int>(row), static_cast<int>(column)))};
}

std::int64_t Result::int8(std::size_t row, std::size_t column) const {
  constexpr const char* kExpected = "a whole number";
  if (is_null(row, column)) {
    throw_unexpected(row, column, "NULL", kExpected);
  }
  const auto cell = bytes(row, column);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (is_binary(column) || problem != std::errc() || end != cell.data() + cell.size()) {
    throw_unexpected(row, column, is_binary(column) ? "a binary value" : '"' + std::string(cell) + '"', kExpected);
  }
  return value;
}

bool Result::boolean(std::size_t row, std::size_t column) const {
  const auto cell = bytes(row, column);
  if (is_null(row, column) || (cell != "t" && cell != "f")) {
    throw_unexpected(row, column, is_null(row, column) ? "NULL" : '"' + std::string(cell) + '"', "t or f");
  }
  return cell == "t";
}

bool Result::is_binary(std::size_t column) const {
  return PQfformat(get(), static_cast<int>(column)) == 1;
}

std::uint32_t Result::type(std::size_t column) const {
  return PQftype(get(), static_cast<int>(column));
}

} // namespace projector::pg
