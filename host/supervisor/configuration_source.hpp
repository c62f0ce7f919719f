#pragma once

#include "config/last_good.hpp"
#include "config/load.hpp"
#include "projection/worker_status.hpp"
#include "supervisor/configuration_watch.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// The current configuration and its source. Problems of a newer one are logged, and the parts of the current one that
/// they concern stay in use. Owned by the supervisor; its thread only.
class ConfigurationSource {
public:
  /// Reads the configuration for the first time. Nothing if the main file is refused; `problems` says why.
  static std::optional<ConfigurationSource> open(std::filesystem::path main_file, config::Overrides overrides,
                                                 std::vector<config::Problem>& problems);

  [[nodiscard]] const config::Configuration& get() const noexcept { return *loaded_.configuration; }
  [[nodiscard]] const config::Loaded& loaded() const noexcept { return loaded_; }
  /// Projections of refused files that have no usable last good version, with the problems of the file.
  [[nodiscard]] std::map<std::string, std::string> refused() const;
  /// Names of those projections, and of the plugins in those files, with the problems of the file.
  [[nodiscard]] std::map<std::string, std::string> refused_names() const;
  /// Notices changes of the files.
  [[nodiscard]] const ConfigurationWatch& watch() const noexcept { return watch_; }
  /// Reads the configuration again, for take(), and does not change this object, which other threads may read
  /// meanwhile. Nothing if the main file is refused, which is logged.
  [[nodiscard]] std::optional<config::Loaded> read_again();
  /// Makes this the current configuration.
  void take(config::Loaded loaded);
  /// Logs refused files and warnings, each once while it lasts.
  void report();
  /// Adds to the reasons of the refused files' projections why they are refused, or run with the last good version.
  void remark(std::vector<projection::WorkerStatus>& statuses) const;

private:
  ConfigurationSource(std::filesystem::path main_file, config::Overrides overrides, const std::filesystem::path& state);
  [[nodiscard]] config::Loaded load();

  std::filesystem::path main_file_;
  config::Overrides overrides_;
  config::Loaded loaded_;
  config::LastGood last_good_;
  ConfigurationWatch watch_;
  std::vector<std::string> not_kept_; ///< why last good versions could not be stored
  std::set<std::string> reported_;    ///< texts of the last report
};

} // namespace projector::supervisor
