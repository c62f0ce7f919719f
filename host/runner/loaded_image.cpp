#include "runner/loaded_image.hpp"

#include <link.h>

#include <algorithm>
#include <cstring>

namespace projector::runner {
namespace {

struct Search {
  std::uint64_t wanted = 0;
  std::optional<LoadedImage> found;
};

int look_at(dl_phdr_info* object, std::size_t /*size*/, void* argument) {
  auto& search = *static_cast<Search*>(argument);
  LoadedImage image{object->dlpi_name, object->dlpi_addr, 0};
  bool holds_it = false;
  for (int index = 0; index < object->dlpi_phnum; ++index) {
    const auto& segment = object->dlpi_phdr[index];
    if (segment.p_type == PT_LOAD) {
      const std::uint64_t begin = object->dlpi_addr + segment.p_vaddr;
      const std::uint64_t end = begin + segment.p_memsz;
      image.end = std::max(image.end, end);
      holds_it = holds_it || (search.wanted >= begin && search.wanted < end);
    }
  }
  if (holds_it) {
    search.found = std::move(image);
  }
  return holds_it ? 1 : 0;
}

struct PlaceSearch {
  const char* path = nullptr;
  std::uint64_t address = 0;
  std::optional<std::uint64_t> offset;
};

int look_for_place(dl_phdr_info* object, std::size_t /*size*/, void* argument) {
  auto& search = *static_cast<PlaceSearch*>(argument);
  if (std::strcmp(object->dlpi_name, search.path) != 0) {
    return 0;
  }
  for (int index = 0; index < object->dlpi_phnum; ++index) {
    const auto& segment = object->dlpi_phdr[index];
    const std::uint64_t begin = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && search.address >= begin && search.address < begin + segment.p_memsz) {
      search.offset = search.address - object->dlpi_addr;
    }
  }
  return 1;
}

} // namespace

std::optional<std::uint64_t> offset_in_image(const char* path, std::uint64_t address) noexcept {
  PlaceSearch search{path, address, {}};
  ::dl_iterate_phdr(look_for_place, &search);
  return search.offset;
}

std::optional<LoadedImage> image_of(const void* symbol) {
  Search search{reinterpret_cast<std::uint64_t>(symbol), {}};
  ::dl_iterate_phdr(look_at, &search);
  return std::move(search.found);
}

} // namespace projector::runner
