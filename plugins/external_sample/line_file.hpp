#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace external_sample {

/// A file to which whole lines are appended. They are on disk when append returns. One owner, one thread.
class LineFile {
public:
  /// Opens or creates the file, and removes an incomplete last line, which a crash can leave. Throws std::system_error.
  explicit LineFile(std::filesystem::path path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// The last line without its line feed; nothing if the file is empty. Throws std::system_error.
  [[nodiscard]] std::optional<std::string> last_line() const;
  /// Appends whole lines and waits until they are on disk. Throws std::system_error; then the file is unchanged.
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
