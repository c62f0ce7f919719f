#pragma once

#include "config/configuration.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// What stands above the files: options and environment, already split into words by the program.
struct Overrides {
  std::vector<std::filesystem::path> plugin_directories; ///< --plugin-dir
  std::vector<std::string> set;                          ///< --set, as written: SECTION.KEY=VALUE
  std::optional<std::string> worker_id;                  ///< --worker-id
  std::optional<std::string> total_workers;              ///< --total-workers
  std::map<std::string, std::string> environment;        ///< the process's; tests pass their own
};

/// An included file that has errors or cannot be read. It is refused alone: either its last good version stands in the
/// configuration, or none of its projections do.
struct RefusedFile {
  std::filesystem::path file;
  std::vector<Problem> problems;
  /// Names of the [projection.*] tables that could be read from it and from its last good version, without those that
  /// another included file has. One that is not in the configuration is refused; the others are the last good ones.
  std::vector<std::string> projections;
  bool last_good = false; ///< the version before it stands in the configuration
};

/// What a load looks at, also where it found problems: for a watch.
struct SourceFiles {
  std::filesystem::path main_file;
  std::vector<std::filesystem::path> patterns;    ///< of `include`, as written, relative to the main file
  std::vector<std::filesystem::path> files;       ///< included ones, in the order read, refused ones too
  std::vector<std::filesystem::path> directories; ///< where new files may appear; they need not exist
};

struct Loaded {
  /// Present when main_problems is empty.
  std::optional<Configuration> configuration;
  /// Problems of the main file, options and environment, and names defined in two included files.
  std::vector<Problem> main_problems;
  std::vector<RefusedFile> refused;
  std::vector<Problem> warnings; ///< what is allowed but surely not meant
  SourceFiles sources;
  /// plugins.state, also where there is no configuration; empty where it is not known.
  std::filesystem::path state;
  /// Texts of the included files that are in order as they are, by path; empty where there is no configuration.
  std::map<std::filesystem::path, std::string> good_files;
};

class LastGood;

/// Reads the main file and what it includes, reports every problem at once and never throws for what a file holds.
///
/// With `last_good`, the last good version of a refused file stands in the configuration where that causes no problem
/// of its own. And where two sides disagree (a projection's name or checkpoint in two files), the included file that
/// is not its last good version is at fault, and refused alone.
Loaded load(const std::filesystem::path& main_file, const Overrides& overrides, const LastGood* last_good = nullptr);

/// The refused file whose last good version this projection of the configuration is from; null where there is none.
const RefusedFile* last_good_source(const Loaded& loaded, const std::string& projection);

/// The environment of this process in the form that Overrides takes.
std::map<std::string, std::string> process_environment();

} // namespace projector::config
