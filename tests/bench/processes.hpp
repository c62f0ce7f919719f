#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace projector::bench {

/// A host with many idle projections of one partition each, all live.
struct IdleHost {
  double start_seconds = 0; ///< from the start of the program until every projection runs
  double private_mib = 0;   ///< of all plugins' processes together: pages that no other process has mapped
  double pss_mib = 0;       ///< likewise, with their shares of shared pages
  double host_pss_mib = 0;  ///< of the host's own process
};
/// Throws std::runtime_error where a projection does not run.
IdleHost run_idle(const std::string& dsn, std::uint32_t projections);

/// For how many milliseconds a projection committed nothing while its plugin was replaced under load, for each of
/// `replacements`; sorted. The server of `dsn` has track_commit_timestamp on. Throws std::runtime_error.
std::vector<double> replace_plugin(const std::string& dsn, std::uint32_t replacements);

} // namespace projector::bench
