#pragma once

#include "base/stop.hpp"
#include "config/load.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace projector::control {

struct AdoptOptions {
  std::string projection;
  std::optional<std::uint32_t> partitions; ///< nothing: the count that the rows show, if they do
  enum class From {
    Checkpoints, ///< the rows of read_model.checkpoints_table
    Core         ///< the rows of pupsourcing/core, in consumer_segments
  };
  From from = From::Checkpoints;
  bool lowest = false;         ///< where it is not known who handled what, start at the lowest position
  std::int64_t missing_at = 0; ///< where a partition without a row starts
  /// What to do about events below a row that were committed after the row had been moved past them.
  enum class Missed {
    Refuse,
    GoBack, ///< start that partition below the first of them
    Leave
  };
  Missed missed = Missed::Refuse;
  bool dry_run = false;
  base::Duration wait =
      std::chrono::seconds(30); ///< at most so long for transactions whose events may still appear below a row
};

struct AdoptAnswer {
  bool done = false; ///< with dry_run: it could be done now
  std::string text;  ///< for people; ends with a line feed
};

/// Takes a projection over from another program that has stored its checkpoints. No program may handle its events
/// meanwhile.
/// `loaded.configuration` is present. Call it from a program with one thread: the plugin is asked in a child process.
/// Throws pg::Error, pg::Interrupted, eventlog::StoreRefused, std::system_error.
AdoptAnswer adopt(const config::Loaded& loaded, const AdoptOptions& options, const base::Stop& stop);

} // namespace projector::control
