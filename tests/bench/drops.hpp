#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace projector::bench {

/// What came of plugin files that were dropped into a running host, one after another.
struct Drops {
  /// Of each, from its rename into the plugin directory to the commit of its first batch; sorted.
  std::vector<double> milliseconds;
  /// Events a second that the projections which ran already have handled, all together, and that were written: without
  /// drops, and with them.
  double handled_without = 0;
  double written_without = 0;
  double handled_with = 0;
  double written_with = 0;
};

/// Runs a host with `live` no-op projections that have caught up, and a few writers, and drops `drops` files. The
/// server of `dsn` has track_commit_timestamp on. Throws std::runtime_error where a projection does not run.
Drops drop_files(const std::string& dsn, std::uint32_t live, std::uint32_t drops);

/// The value that a share of the sorted values does not exceed, 0 < share <= 1.
double percentile(const std::vector<double>& sorted, double share);

} // namespace projector::bench
