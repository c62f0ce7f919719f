#include "plugin/line_splitter.hpp"

#include <algorithm>

namespace projector::plugin {

void LineSplitter::add(std::string_view bytes, const TakeLine& take_line) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      keep(bytes);
      return;
    }
    if (begun_.empty()) {
      take_line(bytes.substr(0, end));
    } else {
      keep(bytes.substr(0, end));
      finish(take_line);
    }
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::finish(const TakeLine& take_line) {
  if (!begun_.empty()) {
    take_line(begun_);
    begun_.clear();
  }
}

void LineSplitter::keep(std::string_view piece) {
  begun_ += piece.substr(0, std::min(piece.size(), most_ + 1 - begun_.size()));
}

} // namespace projector::plugin
