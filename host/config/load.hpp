#pragma once

#include "config/configuration.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// Options and environment, which override the files. The program has already parsed the command line.
struct Overrides {
  std::vector<std::filesystem::path> plugin_directories; ///< --plugin-dir
  std::vector<std::string> set;                          ///< --set, as written: SECTION.KEY=VALUE
  std::optional<std::string> worker_id;                  ///< --worker-id
  std::optional<std::string> total_workers;              ///< --total-workers
  std::map<std::string, std::string> environment;        ///< the process's; tests pass their own
};

/// An included file that has errors or cannot be read. Only this file is refused: either its last good version is in
/// the configuration, or none of its projections are.
struct RefusedFile {
  std::filesystem::path file;
  std::vector<Problem> problems;
  /// Names of the [projection.*] tables that could be read from it and from its last good version, except those that
  /// another included file defines. A name that is not in the configuration is refused; the others are last good ones.
  std::vector<std::string> projections;
  /// Names of plugins that it seems to be about, as far as it can be read: they are not autostarted meanwhile.
  std::vector<std::string> plugins;
  bool last_good = false; ///< its last good version is in the configuration
};

/// The files that a load reads, for a watch; filled in also if there were problems.
struct SourceFiles {
  std::filesystem::path main_file;
  std::vector<std::filesystem::path> patterns;    ///< of `include`, as written, relative to the main file
  std::vector<std::filesystem::path> files;       ///< included ones in the order of reading, also refused ones
  std::vector<std::filesystem::path> directories; ///< where new files may appear; they need not exist
};

struct Loaded {
  /// Present when main_problems is empty.
  std::optional<Configuration> configuration;
  /// Problems of the main file, options and environment, and names defined in two included files.
  std::vector<Problem> main_problems;
  std::vector<RefusedFile> refused;
  std::vector<Problem> warnings; ///< allowed, but probably a mistake
  SourceFiles sources;
  /// plugins.state, also without a configuration; empty if it is not known.
  std::filesystem::path state;
  /// Texts of the included files without problems, by path; empty without a configuration.
  std::map<std::filesystem::path, std::string> good_files;
};

class LastGood;

/// Reads the main file and the files that it includes, reports all problems together and never throws for the contents
/// of a file.
///
/// With `last_good`, the last good version of a refused file is used if that causes no new problem. And if two files
/// conflict (the same projection name or checkpoint in both), the included file that differs from its last good version
/// is refused, and only that one.
Loaded load(const std::filesystem::path& main_file, const Overrides& overrides, const LastGood* last_good = nullptr);

/// The refused file from whose last good version this projection of the configuration comes; null if there is none.
const RefusedFile* last_good_source(const Loaded& loaded, const std::string& projection);

/// This process's environment, for Overrides.
std::map<std::string, std::string> process_environment();

} // namespace projector::config
