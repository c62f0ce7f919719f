#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace projector::channel {

/// A message is not what it should be; the text says what was expected, and where.
class Malformed : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Takes a message of Writer's apart; any bytes will do. `what` names a field in the text of Malformed, which every
/// function throws where the field is not there. Borrows the bytes, which nobody else may be able to change: what comes
/// out of the shared memory has to be copied first. A value; one thread.
class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint32_t u32(const char* what) { return number<std::uint32_t>(what); }
  std::uint64_t u64(const char* what) { return number<std::uint64_t>(what); }
  std::int32_t i32(const char* what) { return number<std::int32_t>(what); }
  std::int64_t i64(const char* what) { return number<std::int64_t>(what); }
  bool flag(const char* what) { return below(2, what) != 0; }
  /// A number below `limit`.
  std::uint32_t below(std::uint32_t limit, const char* what);
  /// What Writer::bytes and Writer::text wrote. data() of the latter is a C string, with no NUL byte before its end.
  std::string_view bytes(const char* what) { return raw(u32(what), what); }
  std::string_view text(const char* what);
  std::optional<std::string> optional_text(const char* what);
  std::string_view raw(std::size_t size, const char* what) {
    if (size > bytes_.size() - at_) {
      missing(size, what);
    }
    const std::string_view found = bytes_.substr(at_, size);
    at_ += size;
    return found;
  }
  /// A number of things that take at least `least` bytes each, so that what is left may hold them.
  std::uint32_t count(std::size_t least, const char* what);

  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  /// Nothing may be left.
  void end() const;

private:
  template <class Number>
  Number number(const char* what) {
    Number value;
    std::memcpy(&value, raw(sizeof value, what).data(), sizeof value);
    return value;
  }
  [[noreturn]] void missing(std::size_t size, const char* what) const;
  [[noreturn]] void unexpected(const char* what, const std::string& problem) const;

  std::string_view bytes_;
  std::size_t at_ = 0;
};

} // namespace projector::channel
