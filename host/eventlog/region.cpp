#include "eventlog/region.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <new>
#include <string>
#include <system_error>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(data, size) (static_cast<void>(0))
#define ASAN_UNPOISON_MEMORY_REGION(data, size) (static_cast<void>(0))
#endif

namespace projector::eventlog {
namespace {

constexpr std::size_t kPage = 4096;
#ifdef __SANITIZE_THREAD__
constexpr std::uintptr_t kAddress = 0x1000000000; // it uses the other place for itself
#else
constexpr std::uintptr_t kAddress = 0x200000000000;
#endif
/// Address space, which costs nothing by itself: enough for pieces of all sizes beside each other.
constexpr std::size_t kLeastCapacity = std::size_t{64} << 30;

constexpr std::size_t whole_pages(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

Region::Block::~Block() {
  if (region_) {
    region_->release(data_, size_);
  }
}

void Region::Block::swap(Block& other) noexcept {
  region_.swap(other.region_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
}

void Region::FreePages::add(std::size_t offset, std::size_t size) {
  auto next = by_offset_.upper_bound(offset);
  if (next != by_offset_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      erase(before);
    }
  }
  if (next != by_offset_.end() && offset + size == next->first) {
    size += next->second;
    erase(next);
  }
  const auto added = by_size_.emplace(size, offset).first;
  try {
    by_offset_.emplace(offset, size);
  } catch (...) {
    by_size_.erase(added);
    throw;
  }
  bytes_ += size;
}

void Region::FreePages::erase(std::map<std::size_t, std::size_t>::iterator piece) {
  bytes_ -= piece->second;
  by_size_.erase({piece->second, piece->first});
  by_offset_.erase(piece);
}

std::optional<std::size_t> Region::FreePages::take(std::size_t size) {
  const auto found = by_size_.lower_bound({size, 0});
  if (found == by_size_.end()) {
    return std::nullopt;
  }
  const auto [all, offset] = *found;
  erase(by_offset_.find(offset));
  if (all > size) {
    add(offset + size, all - size);
  }
  return offset;
}

std::pair<std::size_t, std::size_t> Region::FreePages::take_largest() {
  const auto [size, offset] = *by_size_.rbegin();
  erase(by_offset_.find(offset));
  return {offset, size};
}

namespace {

/// Maps it where other processes have nothing, as a rule; where this process has something there, anywhere.
char* map(int file, std::size_t size) {
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  void* mapped = ::mmap(reinterpret_cast<void*>(kAddress), size, kProtection, // NOLINT(performance-no-int-to-ptr)
                        MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, file, 0);
  if (mapped == MAP_FAILED) {
    mapped = ::mmap(nullptr, size, kProtection, MAP_SHARED | MAP_NORESERVE, file, 0);
  }
  if (mapped == MAP_FAILED) {
    fail("cannot map memory for events (is the address space limited, as by ulimit -v?)");
  }
  return static_cast<char*>(mapped);
}

} // namespace

std::shared_ptr<Region> Region::create(std::size_t keep) {
  return std::shared_ptr<Region>(new Region(keep));
}

Region::Region(std::size_t keep) : keep_(keep), capacity_(std::max(kLeastCapacity, 8 * whole_pages(keep))) {
  // The pages of a file in memory count only once they are used, however the system limits what programs reserve.
  file_.reset(::memfd_create("projectord events", MFD_CLOEXEC));
  if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(capacity_)) != 0) {
    fail("cannot make a file in memory for events");
  }
  begin_ = map(file_.get(), capacity_);
  // Neither a core file nor a forked process needs it.
  ::madvise(begin_, capacity_, MADV_DONTDUMP);
  ::madvise(begin_, capacity_, MADV_DONTFORK);
}

base::UniqueFd Region::open_for_reading() const {
  base::UniqueFd file(::open(("/proc/self/fd/" + std::to_string(file_.get())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    fail("cannot open the memory of events for reading");
  }
  return file;
}

Region::~Region() {
  ASAN_UNPOISON_MEMORY_REGION(begin_, end_);
  ::munmap(begin_, capacity_);
}

Region::Block Region::allocate(std::size_t bytes) {
  const std::size_t size = std::max(kPage, whole_pages(bytes));
  const std::lock_guard lock(mutex_);
  auto offset = kept_.take(size);
  if (!offset) {
    drop_kept_above(keep_ - std::min(keep_, in_use_ + size));
    offset = empty_.take(size);
  }
  if (!offset) {
    if (size > capacity_ - end_) {
      throw std::bad_alloc();
    }
    offset = std::exchange(end_, end_ + size);
  }
  in_use_ += size;
  Block block;
  block.region_ = shared_from_this();
  block.data_ = begin_ + *offset;
  block.size_ = size;
  ASAN_UNPOISON_MEMORY_REGION(block.data_, size);
  return block;
}

void Region::release(char* data, std::size_t size) noexcept {
  const std::lock_guard lock(mutex_);
  ASAN_POISON_MEMORY_REGION(data, size);
  in_use_ -= size;
  const auto offset = static_cast<std::size_t>(data - begin_);
  try {
    kept_.add(offset, size);
    drop_kept_above(keep_ - std::min(keep_, in_use_));
  } catch (const std::bad_alloc&) {
    drop(offset, size); // their address space is lost
  }
}

void Region::drop_kept_above(std::size_t most) {
  while (kept_.bytes() > most) {
    const auto [offset, size] = kept_.take_largest();
    const std::size_t dropped = std::min(size, whole_pages(kept_.bytes() + size - most));
    drop(offset, dropped);
    empty_.add(offset, dropped);
    if (dropped < size) {
      kept_.add(offset + dropped, size - dropped);
    }
  }
}

/// It fails only for memory that is locked, which then stays.
void Region::drop(std::size_t offset, std::size_t size) noexcept {
  ::madvise(begin_ + offset, size, MADV_REMOVE);
}

Region::Usage Region::usage() const {
  const std::lock_guard lock(mutex_);
  return {.in_use = in_use_, .kept = kept_.bytes()};
}

} // namespace projector::eventlog
