#include "base/clean_text.hpp"

#include <cstdint>

namespace projector::base {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

/// Length of the well-formed character at the beginning (Unicode, table 3-7); 0 if the bytes are not one.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  const unsigned char second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_high = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_high ? 0 : length;
}

bool is_control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  return lead < 0x20 || lead == 0x7F || (lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0);
}

} // namespace

std::string clean_text(std::string_view text, std::size_t longest) {
  std::string clean;
  std::size_t room_for_ellipsis = 0; // length of the longest prefix after which an ellipsis still fits
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    std::string_view character = length == 0 ? kReplacement : text.substr(0, length);
    if (is_control(character)) {
      character = " ";
    }
    if (clean.size() + character.size() > longest) {
      clean.resize(longest >= kEllipsis.size() ? room_for_ellipsis : clean.size());
      clean += longest >= kEllipsis.size() ? kEllipsis : "";
      return clean;
    }
    clean += character;
    if (clean.size() + kEllipsis.size() <= longest) {
      room_for_ellipsis = clean.size();
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  clean.erase(clean.find_last_not_of(' ') + 1);
  return clean;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string ascii_text(std::string_view text) {
  std::string ascii;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      ascii += c;
    } else if (byte >= 0xC0) {
      ascii += '?'; // one mark for the first byte of a character, none for the bytes that continue it
    }
  }
  return ascii;
}

} // namespace projector::base
