#include "runner/events_mapping.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace projector::runner {

void map_events(int fd, std::uintptr_t address, std::size_t size) {
  void* const wanted = reinterpret_cast<void*>(address); // NOLINT(performance-no-int-to-ptr): the host's
  void* const mapped = ::mmap(wanted, size, PROT_READ, MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
  if (mapped != wanted) {
    throw std::system_error(errno, std::generic_category(), "cannot map the events where the host has them");
  }
  ::madvise(mapped, size, MADV_DONTDUMP);
}

} // namespace projector::runner
