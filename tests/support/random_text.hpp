#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace projector::test {

/// Random characters of every length that UTF-8 has, none of them NUL.
inline std::string random_text(std::mt19937& random, std::size_t characters) {
  std::string text;
  const auto byte = [&](std::uint32_t lead, std::uint32_t bits) {
    text += static_cast<char>(static_cast<unsigned char>(lead | bits));
  };
  while (characters-- > 0) {
    switch (random() % 4) {
    case 0:
      byte(0, 1 + random() % 0x7F);
      break;
    case 1: {
      const std::uint32_t point = 0x80 + random() % (0x800 - 0x80);
      byte(0xC0, point >> 6);
      byte(0x80, point & 0x3F);
      break;
    }
    case 2: {
      const std::uint32_t point = 0x800 + random() % (0xD800 - 0x800);
      byte(0xE0, point >> 12);
      byte(0x80, (point >> 6) & 0x3F);
      byte(0x80, point & 0x3F);
      break;
    }
    default: {
      const std::uint32_t point = 0x10000 + random() % (0x110000 - 0x10000);
      byte(0xF0, point >> 18);
      byte(0x80, (point >> 12) & 0x3F);
      byte(0x80, (point >> 6) & 0x3F);
      byte(0x80, point & 0x3F);
    }
    }
  }
  return text;
}

} // namespace projector::test
