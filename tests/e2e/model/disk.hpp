#pragma once

#include <map>
#include <string>

namespace projector::test::model {

/// What stands in a plugin file, as far as it matters to the host. Equal ones are the same bytes with the same mode.
struct PluginFile {
  /// The first step that it does not survive.
  enum class Fault { None, NotElf, Truncated, Writable, OtherName, Create, Setup, Handle, Commit };
  Fault fault = Fault::None;
  std::string version = "1.0.0"; ///< of its descriptor
  bool takes_position = false;   ///< it requires the setting `position`, a whole number; else it has no setting
  friend bool operator==(const PluginFile&, const PluginFile&) = default;
};

/// What a [projection.NAME] table says. The number of partitions depends on the projection alone.
struct Configuration {
  std::string plugin;
  bool enabled = true;
  int batch_size = 100;
  std::string position; ///< the setting, as TOML; empty: not given
  friend bool operator==(const Configuration&, const Configuration&) = default;
};

/// An included file with the table of one projection.
struct ProjectionFile {
  enum class Fault { None, Syntax, UnknownKey, WrongType };
  Configuration configuration;
  Fault fault = Fault::None;
  friend bool operator==(const ProjectionFile&, const ProjectionFile&) = default;
};

/// All that the host is told by files.
struct Disk {
  std::map<std::string, PluginFile> plugins;         ///< by name
  std::map<std::string, ProjectionFile> projections; ///< by the projection's name
  bool main_broken = false;                          ///< the main configuration file has an error
};

} // namespace projector::test::model
