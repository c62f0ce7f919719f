#pragma once

#include "disk.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace projector::test::model {

/// The projections of the test, with the number of their partitions. All but `alpha` and `beta` are plugins as well,
/// which run without a table.
const std::map<std::string, int>& all_projections();
/// The plugins that it puts in place; only `settable` takes a setting.
const std::vector<std::string>& all_plugins();

/// One thing that an operator does.
struct Operation {
  enum class Kind {
    PutPlugin,        ///< by rename, or in place
    TouchPlugin,      ///< another time of change, the same bytes
    RemovePlugin,     ///< moved out of the directory
    PutProjection,    ///< writes the included file, by rename
    RenameProjection, ///< renames the included file
    RemoveProjection,
    BreakMain,
    RepairMain,
    Hangup,  ///< SIGHUP
    Kill,    ///< kill -9 of the host, and a new start
    Restart, ///< SIGTERM, and a new start
  };
  Kind kind = Kind::Hangup;
  std::string name;          ///< of the plugin, or of the projection
  PluginFile plugin;         ///< with PutPlugin
  bool in_place = false;     ///< with PutPlugin
  ProjectionFile projection; ///< with PutProjection
};

/// What a person reads in the history.
std::string to_string(const Operation& operation);
/// What the disk holds afterwards.
void apply(const Operation& operation, Disk& disk);

/// Draws operations that make sense on a disk, the same ones for the same seed. Faults are as likely as repairs, so
/// that the disk neither fills up with faults nor runs out of them.
class OperationGenerator {
public:
  explicit OperationGenerator(std::uint64_t seed) : random_(seed) {}
  Operation next(const Disk& disk);
  /// Only those that change plugins or included files.
  Operation next_change(const Disk& disk);
  bool chance(int percent);

private:
  std::size_t below(std::size_t limit);
  template <typename T>
  const T& one_of(const std::vector<T>& values) {
    return values[below(values.size())];
  }
  Operation plugin_operation(const Disk& disk);
  Operation projection_operation(const Disk& disk);
  Operation host_operation(const Disk& disk);
  PluginFile good_plugin(const std::string& name);
  PluginFile bad_plugin(const std::string& name);
  Configuration configuration(const std::string& projection);

  std::mt19937_64 random_;
  std::map<std::string, std::string> last_good_; ///< versions, by plugin
};

} // namespace projector::test::model
