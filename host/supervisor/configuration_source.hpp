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

/// The current configuration and its source. Problems of a newer one are logged, and the parts of the older one that
/// they concern stay. Owned by the supervisor; its thread only.
class ConfigurationSource {
public:
  /// Reads it for the first time. Nothing where the main file is refused; `problems` says why.
  static std::optional<ConfigurationSource> open(std::filesystem::path main_file, config::Overrides overrides,
                                                 std::vector<config::Problem>& problems);

  [[nodiscard]] const config::Configuration& get() const noexcept { return *loaded_.configuration; }
  [[nodiscard]] const config::Loaded& loaded() const noexcept { return loaded_; }
  /// Projections of refused files that no last good version stands in for, with what is wrong there.
  [[nodiscard]] std::map<std::string, std::string> refused() const;
  /// Names of those projections, and of plugins, in refused files that no last good version stands in for, with what is
  /// wrong there.
  [[nodiscard]] std::map<std::string, std::string> refused_names() const;
  /// Where and how changes of the files are noticed.
  [[nodiscard]] const ConfigurationWatch& watch() const noexcept { return watch_; }
  /// Reads it again, for take(). Until then everything stays as it is, so that other threads may go on asking. Nothing
  /// where the main file is refused, which is logged.
  [[nodiscard]] std::optional<config::Loaded> read_again();
  /// Makes this the current configuration.
  void take(config::Loaded loaded);
  /// Logs its refused files and warnings, each once for as long as it lasts.
  void report();
  /// Says of refused files' projections why they are refused, or run in an older version.
  void remark(std::vector<projection::WorkerStatus>& statuses) const;

private:
  ConfigurationSource(std::filesystem::path main_file, config::Overrides overrides, const std::filesystem::path& state);
  [[nodiscard]] config::Loaded load();

  std::filesystem::path main_file_;
  config::Overrides overrides_;
  config::Loaded loaded_;
  config::LastGood last_good_;
  ConfigurationWatch watch_;
  std::vector<std::string> not_kept_; ///< why last good versions could not be kept
  std::set<std::string> told_;        ///< what the last report was about
};

} // namespace projector::supervisor
