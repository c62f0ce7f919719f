#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace projector::plugin {

/// Cuts a stream of bytes into lines, in bounded memory. One thread.
class LineSplitter {
public:
  using TakeLine = std::function<void(std::string_view line)>;

  /// Of a line that arrives in several pieces, bytes after the first `most` + 1 are dropped: one more byte than is
  /// wanted shows that the line was longer.
  explicit LineSplitter(std::size_t most) : most_(most) {}

  /// Passes each line that ends in `bytes` on, without its newline.
  void add(std::string_view bytes, const TakeLine& take_line);
  /// The stream has ended: passes a last line without a newline on.
  void finish(const TakeLine& take_line);

private:
  void keep(std::string_view piece);
  const std::size_t most_;
  std::string begun_; ///< the beginning of a line whose end is still to come
};

} // namespace projector::plugin
