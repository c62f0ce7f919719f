#pragma once

#include "config/load.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>

namespace projector::supervisor {

/// Tells whether a load could give another configuration than the last one, without reading a file: by what stat says
/// of the main file and of every file that `include` matches, behind symbolic links. A value; owned by the supervisor,
/// its thread only.
class ConfigurationWatch {
public:
  explicit ConfigurationWatch(std::filesystem::path main_file);

  /// To be called before a load, so that a change during the load counts as one after it.
  void before_load();
  /// To be called after it, also where it was refused: what it read is looked at from here on.
  void after_load(const config::SourceFiles& sources) { sources_ = sources; }

  /// True before the first load, too. After a load that changes what is included it may be true without a reason, once.
  [[nodiscard]] bool changed() const;
  /// False where one of the files was written to within the last 20 ms: it may be half written, and another change may
  /// look the same to stat. Then a load is better put off for as long.
  [[nodiscard]] bool settled() const;

  /// For DirectoryWatch: those in which new files can appear, and the files themselves.
  [[nodiscard]] std::set<std::filesystem::path> directories() const;
  [[nodiscard]] std::set<std::filesystem::path> files() const;

private:
  /// What stat says of a file, or why it says nothing.
  struct Look {
    int error = 0; ///< errno
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0; ///< nanoseconds since 1970, as the next
    std::int64_t changed = 0;
    friend bool operator==(const Look&, const Look&) = default;
  };
  using Looks = std::map<std::filesystem::path, Look>;

  static Look look(const std::filesystem::path& file);
  [[nodiscard]] Looks look_at_all() const;

  config::SourceFiles sources_;
  Looks loaded_; ///< before the last load; empty before the first
};

} // namespace projector::supervisor
