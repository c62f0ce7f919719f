#pragma once

#include <map>
#include <string>

namespace projector::test::model {

/// The contents of a plugin file, as far as they matter to the host. Equal ones have the same bytes and the same mode.
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

/// All files that the host reads.
struct Disk {
  std::map<std::string, PluginFile> plugins;         ///< by name
  std::map<std::string, ProjectionFile> projections; ///< by the projection's name
  bool main_broken = false;                          ///< the main configuration file has an error
};

} // namespace projector::test::model
