#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace projector::runner {

/// A shared object in a process's memory, from its load address to the end of its last segment.
struct LoadedImage {
  std::string path;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// The object of this process that holds `symbol`, e.g. what dlsym returned; nothing if none does. The path is empty
/// for the program itself.
std::optional<LoadedImage> image_of(const void* symbol);

/// How far `address` lies behind the load address of the object that was loaded from `path`; nothing if it lies in
/// none. For a signal handler: allocates nothing. It takes the dynamic loader's lock.
std::optional<std::uint64_t> offset_in_image(const char* path, std::uint64_t address) noexcept;

} // namespace projector::runner
