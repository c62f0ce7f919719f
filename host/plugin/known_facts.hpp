#pragma once

#include "plugin/facts.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace projector::plugin {

/// Accepted facts by the SHA-256 of the plugin file, so that a hundred projections on one plugin ask one process for
/// them. Any thread.
class KnownFacts {
public:
  [[nodiscard]] std::optional<Facts> find(const std::string& sha256) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_sha256_.find(sha256);
    return found == by_sha256_.end() ? std::nullopt : std::optional(found->second);
  }
  void add(const std::string& sha256, const Facts& facts) {
    const std::lock_guard lock(mutex_);
    if (by_sha256_.size() >= kMost) {
      by_sha256_.clear();
    }
    by_sha256_.insert_or_assign(sha256, facts);
  }

private:
  static constexpr std::size_t kMost = 256;
  mutable std::mutex mutex_; ///< guards what follows
  std::map<std::string, Facts> by_sha256_;
};

} // namespace projector::plugin
