#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace external_sample {

/// A file that grows by whole lines and survives a crash: what append returned for is on disk. One owner, one thread.
class LineFile {
public:
  /// Opens or makes the file and cuts off a last line that has no end, as a crash leaves it. Throws std::system_error.
  explicit LineFile(std::filesystem::path path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// The last line without its end, nothing in an empty file. Throws std::system_error.
  [[nodiscard]] std::optional<std::string> last_line() const;
  /// Appends whole lines and waits until they are on disk. Throws std::system_error; the file is then as before.
  void append(std::string_view lines);
  /// Makes the file empty, on disk too. Throws std::system_error.
  void clear();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  void cut(std::uint64_t size);
  /// Where the last line that ends before `end` begins.
  [[nodiscard]] std::uint64_t line_start(std::uint64_t end) const;

  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

} // namespace external_sample
