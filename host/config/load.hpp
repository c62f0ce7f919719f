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

/// An included file that has errors. It is refused alone: none of its projections are in the configuration.
struct RefusedFile {
  std::filesystem::path file;
  std::vector<Problem> problems;
  std::vector<std::string> projections; ///< names of the [projection.*] tables that could still be read from it
};

struct Loaded {
  /// Present when main_problems is empty.
  std::optional<Configuration> configuration;
  /// Problems of the main file, options and environment, and names defined in two included files.
  std::vector<Problem> main_problems;
  std::vector<RefusedFile> refused;
  std::vector<Problem> warnings; ///< what is allowed but surely not meant
};

/// Reads the main file and what it includes, reports every problem at once and never throws for what a file holds.
Loaded load(const std::filesystem::path& main_file, const Overrides& overrides);

/// The environment of this process in the form that Overrides takes.
std::map<std::string, std::string> process_environment();

} // namespace projector::config
