#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct pg_result;

namespace projector::pg {

/// One result of the server; owns the PGresult. Cells stay valid as long as it lives. May move between threads.
class Result {
public:
  Result() = default;
  explicit Result(pg_result* taken) : result_(taken) {}

  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] std::size_t columns() const;
  /// Rows inserted, updated, deleted or returned, as the command tag says; 0 for other commands.
  [[nodiscard]] std::int64_t affected() const;
  [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
  /// The cell's bytes in the requested format; empty if it is NULL.
  [[nodiscard]] std::string_view bytes(std::size_t row, std::size_t column) const;
  /// A text-format cell; throws std::logic_error if the cell is NULL or not a whole number.
  [[nodiscard]] std::int64_t int8(std::size_t row, std::size_t column) const;
  /// A text-format boolean.
  [[nodiscard]] bool boolean(std::size_t row, std::size_t column) const;
  [[nodiscard]] bool is_binary(std::size_t column) const;
  [[nodiscard]] std::uint32_t type(std::size_t column) const; ///< oid
  [[nodiscard]] pg_result* get() const noexcept { return result_.get(); }
  explicit operator bool() const noexcept { return result_ != nullptr; }

private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

} // namespace projector::pg
