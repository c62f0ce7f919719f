#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace projector::pg {

/// The parameters of one statement, copied into one buffer in libpq's format: text ends with a NUL byte. A value; one
/// thread. Values above PostgreSQL's limit of 2 GiB throw std::length_error.
class Parameters {
public:
  /// Throws std::invalid_argument if the text contains a NUL byte: PostgreSQL cannot store it, and libpq would truncate
  /// the text.
  Parameters& text(std::string_view value, std::uint32_t oid = 0);
  Parameters& binary(std::string_view bytes, std::uint32_t oid);
  Parameters& int8(std::int64_t value);
  Parameters& int4(std::int32_t value);
  Parameters& boolean(bool value);
  Parameters& null(std::uint32_t oid = 0);
  /// text[]; elements must not contain a NUL byte, like in text().
  Parameters& text_array(const std::vector<std::string>& values);
  Parameters& int8_array(const std::vector<std::int64_t>& values);

  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return buffer_.size(); }
  void clear();

  /// The arrays for PQsendQueryParams. Reused for every statement to avoid allocations.
  struct Arrays {
    std::vector<std::uint32_t> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  /// Fills `arrays`; its values point into this object and are valid until its next change.
  void arrays(Arrays& arrays) const;

private:
  struct Value {
    std::size_t offset;
    std::int32_t size; ///< -1: NULL
    std::uint32_t oid;
    bool binary;
  };
  Parameters& add(std::string_view bytes, std::uint32_t oid, bool is_binary);

  std::string buffer_;
  std::vector<Value> values_;
};

} // namespace projector::pg
