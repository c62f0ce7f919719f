#pragma once

#include <projector/parameters.hpp>
#include <projector/plugin.h>
#include <projector/values.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace projector {

/// Thrown if the value of a cell is not of the type as which it is read.
class CellError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

namespace detail {

inline std::optional<std::vector<std::byte>> parse_bytea(std::string_view text) {
  if (text.substr(0, 2) != "\\x" || text.size() % 2 != 0) {
    return std::nullopt;
  }
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const auto high = parse_hexadecimal(text[i]);
    const auto low = parse_hexadecimal(text[i + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<std::byte>(*high << 4 | *low));
  }
  return bytes;
}

/// Parses a value in text format. Nothing if the text is no T.
template <class T>
std::optional<T> parse(std::string_view text) {
  if constexpr (std::is_same<T, bool>::value) {
    return parse_boolean(text);
  } else if constexpr (kIsNumber<T>) {
    return parse_number<T>(text);
  } else if constexpr (std::is_same<T, std::string>::value || std::is_same<T, std::string_view>::value) {
    return T(text);
  } else if constexpr (std::is_same<T, std::vector<std::byte>>::value) {
    return parse_bytea(text);
  } else if constexpr (std::is_same<T, Uuid>::value || std::is_same<T, Timestamp>::value) {
    return T::parse(text);
  } else {
    static_assert(kDependentFalse<T>,
                  "a value is read as a number, bool, std::string, std::string_view, Uuid, Timestamp, "
                  "std::vector<std::byte>, or a std::optional of these");
  }
}

/// The name of T in an error message.
template <class T>
const char* describe() noexcept {
  if constexpr (std::is_same<T, bool>::value) {
    return "a boolean";
  } else if constexpr (std::is_integral<T>::value) {
    return std::is_signed<T>::value ? "a whole number that fits" : "a whole number, not negative, that fits";
  } else if constexpr (std::is_floating_point<T>::value) {
    return "a number";
  } else if constexpr (std::is_same<T, Uuid>::value) {
    return "a UUID";
  } else if constexpr (std::is_same<T, Timestamp>::value) {
    return "a date and time";
  } else if constexpr (std::is_same<T, std::vector<std::byte>>::value) {
    return "bytea";
  } else {
    return "text";
  }
}

} // namespace detail

class Rows;

/// One row of a result; valid as long as its Rows. Columns count from 0.
class Row {
public:
  /// The cell as T: numbers, bool, std::string, std::string_view (valid as long as the Rows), Uuid, Timestamp,
  /// std::vector<std::byte>, or std::optional of these if it may be NULL. Throws CellError if the value
  /// is no T.
  template <class T>
  [[nodiscard]] T get(std::size_t column) const {
    if constexpr (detail::IsOptional<T>::value) {
      return is_null(column) ? T() : T(get<typename T::value_type>(column));
    } else {
      const projector_value value = cell(column);
      if (value.data == nullptr) {
        throw error(column,
                    std::string("NULL where ") + detail::describe<T>() + " was expected; read it as std::optional");
      }
      const std::string_view text(value.data, value.size);
      auto parsed = detail::parse<T>(text);
      if (!parsed) {
        throw error(column,
                    "'" + std::string(text.substr(0, 64)) + "' where " + detail::describe<T>() + " was expected");
      }
      return *std::move(parsed);
    }
  }
  [[nodiscard]] bool is_null(std::size_t column) const { return cell(column).data == nullptr; }

private:
  friend class Rows;
  Row(const projector_host* host, const projector_rows* rows, std::size_t row) noexcept
      : host_(host), rows_(rows), row_(row) {}
  [[nodiscard]] projector_value cell(std::size_t column) const {
    projector_value value{};
    if (host_->rows_get(host_->ctx, rows_, row_, column, &value) != 1) {
      throw error(column, "no such cell in a result of " + std::to_string(host_->rows_count(host_->ctx, rows_)) +
                              " rows and " + std::to_string(host_->rows_columns(host_->ctx, rows_)) + " columns");
    }
    return value;
  }
  [[nodiscard]] CellError error(std::size_t column, const std::string& what) const {
    return CellError("row " + std::to_string(row_) + ", column " + std::to_string(column) + ": " + what);
  }

  const projector_host* host_;
  const projector_rows* rows_;
  std::size_t row_;
};

/// The rows that a query returned. Destroy it before the plugin's call returns.
class Rows {
public:
  Rows(const projector_host* host, projector_rows* taken) noexcept : host_(host), rows_(taken) {}
  Rows(Rows&& other) noexcept : host_(other.host_), rows_(std::exchange(other.rows_, nullptr)) {}
  Rows& operator=(Rows&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(rows_, other.rows_);
    return *this;
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() { host_->rows_free(host_->ctx, rows_); }

  /// The number of rows returned: 0 for a statement without RETURNING.
  [[nodiscard]] std::size_t size() const { return rows_ == nullptr ? 0 : host_->rows_count(host_->ctx, rows_); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t columns() const { return rows_ == nullptr ? 0 : host_->rows_columns(host_->ctx, rows_); }
  /// The number of rows inserted, updated, deleted or returned.
  [[nodiscard]] std::int64_t affected() const { return rows_ == nullptr ? 0 : host_->rows_affected(host_->ctx, rows_); }
  [[nodiscard]] Row operator[](std::size_t row) const noexcept { return {host_, rows_, row}; }

  class Iterator {
  public:
    Iterator(const Rows* rows, std::size_t row) noexcept : rows_(rows), row_(row) {}
    Row operator*() const noexcept { return (*rows_)[row_]; }
    Iterator& operator++() noexcept {
      ++row_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.row_ == b.row_; }
    friend bool operator!=(const Iterator& a, const Iterator& b) noexcept { return a.row_ != b.row_; }

  private:
    const Rows* rows_;
    std::size_t row_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }

private:
  const projector_host* host_;
  projector_rows* rows_;
};

} // namespace projector
