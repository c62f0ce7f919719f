#include "channel/memory.hpp"

#include <projector/plugin.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

namespace projector::channel {

namespace {

constexpr std::uint32_t kLargestArea = 1U << 30;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::size_t whole_pages(std::size_t size) {
  return (size + kHeaderSize - 1) / kHeaderSize * kHeaderSize;
}

std::size_t total_size(const MemoryOptions& options) {
  return kHeaderSize + whole_pages(options.to_runner_size) + whole_pages(options.to_host_size);
}

bool good_size(std::uint32_t size) {
  return size > 0 && size <= kLargestArea;
}

char* map(int fd, std::size_t size) {
  void* const base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    fail("cannot map the memory of a channel");
  }
  return static_cast<char*>(base);
}

} // namespace

Memory::Memory(base::UniqueFd file, char* base, std::size_t size, const MemoryOptions& options)
    : file_(std::move(file)), base_(base), size_(size), header_(std::launder(reinterpret_cast<Header*>(base))),
      options_(options) {}

Memory::~Memory() {
  ::munmap(base_, size_);
}

std::unique_ptr<Memory> Memory::create(const MemoryOptions& options) {
  if (!good_size(options.to_runner_size) || !good_size(options.to_host_size)) {
    throw std::invalid_argument("an area of a channel has a size of 1 byte to 1 GiB");
  }
  base::UniqueFd file(::memfd_create("projectord channel", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const std::size_t size = total_size(options);
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) != 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    fail("cannot make the memory of a channel");
  }
  char* const base = map(file.get(), size);
  auto* const header = new (base) Header{};
  std::unique_ptr<Memory> memory(new Memory(std::move(file), base, size, options));
  if (::madvise(base, size, MADV_DONTDUMP) != 0 || ::madvise(base, size, MADV_DONTFORK) != 0) {
    fail("cannot keep the memory of a channel out of core files and children");
  }
  std::memcpy(header->host_build, kBuildId.data(), kBuildId.size());
  header->first_turn = options.first_turn;
  header->to_runner_size = options.to_runner_size;
  header->to_host_size = options.to_host_size;
  header->most_accepted = options.most_accepted;
  header->turn = options.first_turn;
  memory->clear_current();
  return memory;
}

std::unique_ptr<Memory> Memory::open(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) {
    fail("cannot open the memory of a channel");
  }
  const auto size = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  if (size < kHeaderSize) {
    throw std::runtime_error("descriptor " + std::to_string(fd) + " is no channel: it has " + std::to_string(size) +
                             " bytes");
  }
  std::unique_ptr<Memory> memory(new Memory(base::UniqueFd(), map(fd, size), size, {}));
  Header& header = memory->header();
  const std::string_view host_build(header.host_build, ::strnlen(header.host_build, kBuildIdSize));
  if (host_build != kBuildId) {
    throw std::runtime_error("the host is of build " + std::string(host_build) + ", this runner of build " +
                             std::string(kBuildId) + ": restart projectord after an upgrade");
  }
  memory->options_ = {header.to_runner_size, header.to_host_size, header.first_turn, header.most_accepted};
  if (!good_size(header.to_runner_size) || !good_size(header.to_host_size) || total_size(memory->options_) != size) {
    throw std::runtime_error("the channel's areas do not fit into its " + std::to_string(size) + " bytes");
  }
  return memory;
}

char* Memory::to_host() const noexcept {
  return base_ + kHeaderSize + whole_pages(options_.to_runner_size);
}

void Memory::clear_current() noexcept {
  std::atomic_ref(header_->current).store(PROJECTOR_NO_EVENT, std::memory_order_relaxed);
}

std::uint32_t Memory::read_current() const noexcept {
  return std::atomic_ref(header_->current).load(std::memory_order_relaxed);
}

void Memory::set_remark(std::string_view text) noexcept {
  std::memcpy(header_->remark, text.data(), std::min(text.size(), kRemarkSize - 1));
}

std::string Memory::remark() const {
  std::array<char, kRemarkSize> text = {};
  std::memcpy(text.data(), header_->remark, text.size() - 1);
  return text.data();
}

void Memory::record_crash(const Crash& crash) noexcept {
  CrashRecord& record = header_->crash;
  std::uint32_t empty = 0;
  if (!record.state.compare_exchange_strong(empty, 1)) {
    return;
  }
  record.signal = crash.signal;
  record.code = crash.code;
  record.fault_address = crash.fault_address;
  record.instruction = crash.instruction;
  record.plugin_offset = crash.plugin_offset;
  record.state = 2;
}

std::optional<Crash> Memory::crash() const noexcept {
  const CrashRecord& record = header_->crash;
  if (record.state != 2) {
    return std::nullopt;
  }
  return Crash{record.signal, record.code, record.fault_address, record.instruction, record.plugin_offset};
}

} // namespace projector::channel
