#pragma once

#include "host_model.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace projector::test::model {

/// A row of projector_workers.
struct WorkerRow {
  std::string state;
  std::string version;
  std::uint64_t generation = 0;
  std::int64_t thread = 0;
  std::string reason;
};

/// What a host shows of itself at one moment.
struct HostView {
  std::map<std::pair<std::string, std::string>, WorkerRow> rows; ///< by projection and checkpoint
  std::string log;                                               ///< of this life
};

/// Threads of all workers, by projection and checkpoint.
using Threads = std::map<std::pair<std::string, std::string>, std::int64_t>;
Threads threads_of(const HostView& view);

/// Whether generations have to be those of the model, or only to run what it says.
enum class Numbers { Exact, Open };
/// Where the host is not as the model says; empty: they agree. Transient states are differences too.
std::vector<std::string> differences(const HostModel& model, const HostView& view, Numbers numbers);
/// Threads that a step changed without a reason, of projections that are not in `moved`. And those of `moved`
/// projections that are still the ones before, since rows may be older than what happened.
std::vector<std::string> changed_threads(const Threads& before, const Threads& after, const HostModel::Names& moved);
std::vector<std::string> kept_threads(const Threads& before, const Threads& after, const HostModel::Names& moved);

std::string to_string(const HostModel& model);
std::string to_string(const HostView& view);

} // namespace projector::test::model
