#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

namespace projector::eventlog {

/// Memory for events, in one mapping, which takes memory only for the pages that are in use and for those that are kept
/// to be used again: fresh pages cost many times more than used ones. malloc would either keep freed segments for each
/// thread or let all threads wait for one lock. Shared by the log and its segments; any thread.
class Region : public std::enable_shared_from_this<Region> {
public:
  /// `keep`: free pages are kept while all pages together take at most so many bytes. Throws std::system_error if the
  /// system gives no address space.
  static std::shared_ptr<Region> create(std::size_t keep);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  /// Bytes of the region, with a page's alignment, which are given back at the end. Moved from, it is empty.
  class Block {
  public:
    Block() = default;
    Block(Block&& other) noexcept { swap(other); }
    Block& operator=(Block&& other) noexcept {
      Block(std::move(other)).swap(*this);
      return *this;
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block();

    [[nodiscard]] char* data() const noexcept { return data_; }
    /// At least what was requested: whole pages.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    friend class Region;
    void swap(Block& other) noexcept;
    std::shared_ptr<Region> region_;
    char* data_ = nullptr;
    std::size_t size_ = 0;
  };
  /// The content is not defined. Throws std::bad_alloc if the address space is used up.
  Block allocate(std::size_t bytes);

  struct Usage {
    std::size_t in_use = 0; ///< bytes of blocks
    std::size_t kept = 0;   ///< bytes of free pages that still take memory
  };
  [[nodiscard]] Usage usage() const;

  /// Where it lies, and its address space. Another process that maps it there finds all events at their addresses.
  [[nodiscard]] char* address() const noexcept { return begin_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// A descriptor of the memory that allows nothing but reading, to be passed to such a process. Throws
  /// std::system_error.
  [[nodiscard]] base::UniqueFd open_for_reading() const;

private:
  /// Free pages by their place, with a second order by size.
  class FreePages {
  public:
    /// Joins them with free neighbours. If it throws std::bad_alloc, they and the neighbours are lost.
    void add(std::size_t offset, std::size_t size);
    /// Takes `size` bytes out of the smallest free piece that has them, and returns their place.
    std::optional<std::size_t> take(std::size_t size);
    /// Takes the largest piece: its place and size. There is one.
    std::pair<std::size_t, std::size_t> take_largest();
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    void erase(std::map<std::size_t, std::size_t>::iterator piece);
    std::map<std::size_t, std::size_t> by_offset_;
    std::set<std::pair<std::size_t, std::size_t>> by_size_; ///< size, offset
    std::size_t bytes_ = 0;
  };

  explicit Region(std::size_t keep);
  void release(char* data, std::size_t size) noexcept;
  void drop_kept_above(std::size_t most);
  void drop(std::size_t offset, std::size_t size) noexcept;

  const std::size_t keep_;
  const std::size_t capacity_;
  base::UniqueFd file_;
  char* begin_ = nullptr;

  mutable std::mutex mutex_; ///< guards all members below
  FreePages kept_;           ///< take memory
  FreePages empty_;          ///< take none
  std::size_t end_ = 0;      ///< from here on nothing was used yet
  std::size_t in_use_ = 0;
};

} // namespace projector::eventlog
