#include "channel/writer.hpp"

#include <stdexcept>

namespace projector::channel {

namespace {

constexpr std::size_t kFirstSize = 4096;
constexpr std::size_t kMostKept = 4U << 20;

std::uint32_t length(std::string_view value) {
  if (value.size() >= UINT32_MAX) {
    throw std::length_error("a text of " + std::to_string(value.size()) + " bytes is too long for a message");
  }
  return static_cast<std::uint32_t>(value.size());
}

} // namespace

void Writer::bytes(std::string_view value) {
  u32(length(value));
  raw(value.data(), value.size());
}

void Writer::text(std::string_view value) {
  bytes(value);
  *extend(1) = '\0';
}

void Writer::optional_text(const std::optional<std::string>& value) {
  flag(value.has_value());
  if (value) {
    text(*value);
  }
}

void Writer::clear() noexcept {
  size_ = 0;
  if (buffer_.size() > kMostKept) {
    std::string().swap(buffer_);
  }
}

void Writer::grow(std::size_t size) {
  buffer_.resize(std::max({size_ + size, 2 * buffer_.size(), kFirstSize}));
}

} // namespace projector::channel
