#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace projector::pg {

/// The parameters of one statement, copied into one buffer in the form that libpq wants: text ends with a NUL byte. A
/// value; one thread.
class Parameters {
public:
  Parameters& text(std::string_view value, std::uint32_t oid = 0);
  Parameters& binary(std::string_view bytes, std::uint32_t oid);
  Parameters& int8(std::int64_t value);
  Parameters& int4(std::int32_t value);
  Parameters& boolean(bool value);
  Parameters& null(std::uint32_t oid = 0);
  /// text[]; elements may hold anything but a NUL byte.
  Parameters& text_array(const std::vector<std::string>& values);
  Parameters& int8_array(const std::vector<std::int64_t>& values);

  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return buffer_.size(); }
  void clear();

  /// Arrays as PQsendQueryParams takes them; valid until the next change.
  struct Arrays {
    int count = 0;
    const std::uint32_t* types = nullptr;
    const char* const* values = nullptr;
    const int* lengths = nullptr;
    const int* formats = nullptr;
  };
  [[nodiscard]] Arrays arrays() const;

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
  mutable std::vector<std::uint32_t> types_;
  mutable std::vector<const char*> pointers_;
  mutable std::vector<int> lengths_;
  mutable std::vector<int> formats_;
};

} // namespace projector::pg
