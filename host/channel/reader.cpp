#include "channel/reader.hpp"

namespace projector::channel {

std::uint32_t Reader::below(std::uint32_t limit, const char* what) {
  const std::uint32_t value = u32(what);
  if (value >= limit) {
    unexpected(what, "is " + std::to_string(value) + ", expected less than " + std::to_string(limit));
  }
  return value;
}

std::string_view Reader::text(const char* what) {
  const std::string_view found = bytes(what);
  if (raw(1, what).front() != '\0') {
    unexpected(what, "does not end in a NUL byte");
  }
  if (found.find('\0') != std::string_view::npos) {
    unexpected(what, "has a NUL byte before its end");
  }
  return found;
}

std::optional<std::string> Reader::optional_text(const char* what) {
  return flag(what) ? std::optional<std::string>(text(what)) : std::nullopt;
}

std::uint32_t Reader::count(std::size_t least, const char* what) {
  const std::uint32_t value = u32(what);
  if (value > left() / least) {
    unexpected(what, "is " + std::to_string(value) + ", for which " + std::to_string(left()) + " bytes are too few");
  }
  return value;
}

void Reader::end() const {
  if (left() > 0) {
    throw Malformed("malformed message: " + std::to_string(left()) + " bytes are left after its end");
  }
}

void Reader::missing(std::size_t size, const char* what) const {
  throw Malformed("malformed message: expected " + std::to_string(size) + " bytes of " + what + " at byte " +
                  std::to_string(at_) + " of " + std::to_string(bytes_.size()));
}

void Reader::unexpected(const char* what, const std::string& problem) const {
  throw Malformed(std::string("malformed message: ") + what + " before byte " + std::to_string(at_) + " of " +
                  std::to_string(bytes_.size()) + ' ' + problem);
}

} // namespace projector::channel
