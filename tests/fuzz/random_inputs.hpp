#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace projector::fuzz {

inline bool read_number(const char* text, std::uint32_t& number) {
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, number);
  return error == std::errc{} && stopped == end;
}

/// The main function of a harness that is not run by libFuzzer. Inputs is made with a seed, and next() returns one
/// input after the other.
template <class Inputs>
int run_random_inputs(int argc, char** argv) {
  using namespace std::string_view_literals;
  std::uint32_t count = 0;
  std::uint32_t seed = 0;
  if (argc != 5 || argv[1] != "--inputs"sv || !read_number(argv[2], count) || argv[3] != "--seed"sv ||
      !read_number(argv[4], seed)) {
    std::fprintf(stderr, "usage: %s --inputs NUMBER --seed NUMBER\n", argv[0]);
    return 2;
  }
  Inputs inputs(seed);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string input = inputs.next();
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
  std::printf("%u inputs from seed %u\n", count, seed);
  return 0;
}

} // namespace projector::fuzz
