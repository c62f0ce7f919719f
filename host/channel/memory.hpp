#pragma once

#include "base/unique_fd.hpp"
#include "channel/crash.hpp"
#include "channel/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace projector::channel {

/// What the host chooses for a channel.
struct MemoryOptions {
  std::uint32_t to_runner_size = 256U << 10; ///< of an area, in bytes, up to 1 GiB; pages are used once written
  std::uint32_t to_host_size = 1U << 20;
  std::uint32_t first_turn = 0;            ///< see Turn; for tests
  std::uint64_t most_accepted = 64U << 20; ///< bytes of one message that the host takes from the runner
};

/// The shared memory of one channel, mapped. Each side owns its mapping and keeps it longer than its end of the
/// channel. The flags and records below need no turn: any thread may use them at any time.
class Memory {
public:
  /// The host's: makes a memory file that nobody can resize, maps it, and keeps it out of core files and of forked
  /// children. Throws std::system_error, and std::invalid_argument for a size that is 0 or too large.
  static std::unique_ptr<Memory> create(const MemoryOptions& options = {});
  /// The runner's: maps what `fd` refers to, and borrows it for the call only. Throws std::runtime_error, also if the
  /// host is of another build; the text names both.
  static std::unique_ptr<Memory> open(int fd);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// To be passed to the runner; close-on-exec. -1 for the runner's, and after close_descriptor().
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }
  void close_descriptor() noexcept { file_.reset(); }

  [[nodiscard]] Header& header() const noexcept { return *header_; }
  [[nodiscard]] char* to_runner() const noexcept { return base_ + kHeaderSize; }
  [[nodiscard]] char* to_host() const noexcept;
  /// As this side knows them: they are not read again from the shared memory.
  [[nodiscard]] const MemoryOptions& options() const noexcept { return options_; }

  /// The host asks the instance to return soon, or takes that back.
  void set_stopping(bool stopping) noexcept { header_->stopping.store(stopping ? 1 : 0, std::memory_order_relaxed); }
  [[nodiscard]] bool stopping() const noexcept { return header_->stopping.load(std::memory_order_relaxed) != 0; }

  /// The index in the batch of the event that the plugin has begun, where the plugin writes it.
  [[nodiscard]] std::uint32_t* current() const noexcept { return &header_->current; }
  /// Sets it to PROJECTOR_NO_EVENT.
  void clear_current() noexcept;
  /// The index, as the runner claims: it may be any number.
  [[nodiscard]] std::uint32_t read_current() const noexcept;

  /// The runner says that it runs the plugin's `finished`, or that this has returned.
  void set_finishing(bool finishing) noexcept {
    header_->finishing.store(finishing ? 1 : 0, std::memory_order_relaxed);
  }
  /// As the runner claims.
  [[nodiscard]] bool finishing() const noexcept { return header_->finishing.load(std::memory_order_relaxed) != 0; }

  /// What the runner says of itself before its first turn: what its sandbox cannot limit, or why it ends with
  /// kCouldNotStart. Empty: nothing; cut if it is too long. As the runner claims: any bytes.
  void set_remark(std::string_view text) noexcept;
  [[nodiscard]] std::string remark() const;

  /// Keeps the first crash that is recorded. May be called in a signal handler.
  void record_crash(const Crash& crash) noexcept;
  [[nodiscard]] std::optional<Crash> crash() const noexcept;

  /// Written by LogSender; the host's to read, as a claim.
  [[nodiscard]] std::atomic<std::uint64_t>& dropped_log_lines() const noexcept { return header_->dropped_log_lines; }

private:
  Memory(base::UniqueFd file, char* base, std::size_t size, const MemoryOptions& options);

  base::UniqueFd file_;
  char* base_;
  std::size_t size_;
  Header* header_;
  MemoryOptions options_;
};

} // namespace projector::channel
