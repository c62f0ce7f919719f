#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace projector::config {

/// Where a value came from, for messages. Lines and columns count from 1. Options and environment variables have 0, and
/// `file` is their name, e.g. "--set" or "PROJECTORD_DSN".
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const Location&, const Location&) = default;
};

/// An error or warning: what was found, what was expected, how to correct it.
struct Problem {
  Location where;
  std::string text;
  friend bool operator==(const Problem&, const Problem&) = default;
};

/// "file:line:column", without unknown parts.
std::string to_string(const Location& where);
/// "file:line:column: text", without unknown parts.
std::string to_string(const Problem& problem);
/// All in one line, joined by "; ".
std::string to_string(const std::vector<Problem>& problems);

struct EventStore {
  std::string dsn;
  std::string events_table = "events"; ///< as written, may carry a schema
  base::Duration poll_interval = std::chrono::milliseconds(100);
  std::string notify_channel; ///< empty: no LISTEN
  Location dsn_where = {};
  /// Equality ignores the place in the file; likewise below.
  friend bool operator==(const EventStore& a, const EventStore& b) {
    return std::tie(a.dsn, a.events_table, a.poll_interval, a.notify_channel) ==
           std::tie(b.dsn, b.events_table, b.poll_interval, b.notify_channel);
  }
};

struct ReadModel {
  std::string dsn;                 ///< never empty after load: by default the event store's
  bool same_as_event_store = true; ///< no separate DSN was given, or one with the same text
  std::string checkpoints_table = "projection_checkpoints";
  std::uint32_t pool_size = 8;
  std::uint32_t pool_max = 32;
  bool prepared_statements = true;
  std::string synchronous_commit = "off"; ///< one of PostgreSQL's values
  Location dsn_where = {};
  friend bool operator==(const ReadModel& a, const ReadModel& b) {
    return std::tie(a.dsn, a.same_as_event_store, a.checkpoints_table, a.pool_size, a.pool_max, a.prepared_statements,
                    a.synchronous_commit) == std::tie(b.dsn, b.same_as_event_store, b.checkpoints_table, b.pool_size,
                                                      b.pool_max, b.prepared_statements, b.synchronous_commit);
  }
};

struct Plugins {
  std::vector<std::filesystem::path> directories; ///< in order of precedence; --plugin-dir ones first
  std::vector<std::filesystem::path> built_in;    ///< those of them that are built-in defaults, which need not exist
  std::vector<std::filesystem::path> autostart;   ///< a subset of directories' paths; includes every --plugin-dir
  std::filesystem::path cache;                    ///< absolute; staged copies
  std::filesystem::path state;                    ///< absolute; plugins' own files
  friend bool operator==(const Plugins&, const Plugins&) = default;
};

struct Feed {
  std::uint64_t memory = 64u << 20; ///< bytes
  friend bool operator==(const Feed&, const Feed&) = default;
};

/// This host's share of every projection's partitions: those k with k % total == id.
struct WorkerShare {
  std::uint32_t id = 0;
  std::uint32_t total = 1;
  friend bool operator==(const WorkerShare&, const WorkerShare&) = default;
};

enum class OnError { Stop };
enum class Rebuild { Manual, Automatic };

struct StartFrom {
  enum class Kind { Beginning, End, Position };
  Kind kind = Kind::Beginning;
  std::int64_t position = 0; ///< with Kind::Position: the projection starts after it
  friend bool operator==(const StartFrom&, const StartFrom&) = default;
};

/// One entry of [projection.NAME.settings], not yet checked against the plugin's declaration.
struct Setting {
  enum class Type { String, Integer, Number, Boolean, StringArray, Other };
  std::string key; ///< sub-tables give dotted keys
  Type type = Type::String;
  std::vector<std::string> values; ///< one, or for StringArray one per element; as text that the plugin receives
  std::string found;               ///< with Type::Other, for messages: what was found, e.g. "an array of integers"
  Location where;
  /// Where a value stands does not make it another value.
  friend bool operator==(const Setting& a, const Setting& b) {
    return a.key == b.key && a.type == b.type && a.values == b.values;
  }
};

/// One [projection.NAME], with values of [defaults] and built-in ones filled in.
struct Projection {
  std::string name;
  std::string plugin; ///< the file is plugin + ".so"
  bool enabled = true;
  std::uint32_t batch_size = 100;
  std::uint64_t batch_bytes = 8u << 20;
  std::uint32_t partitions = 1;
  bool partitions_given = false; ///< by a file; else a stored checkpoint's count takes the place of the default
  std::string schema;            ///< empty: the connection's search_path
  StartFrom start_from;
  std::string checkpoint; ///< base name of its checkpoints
  base::Duration checkpoint_interval = std::chrono::milliseconds(100);
  OnError on_error = OnError::Stop;
  Rebuild rebuild = Rebuild::Manual;
  base::Duration retry_backoff = std::chrono::milliseconds(100);
  base::Duration retry_backoff_max = std::chrono::seconds(30);
  std::uint32_t max_retries = 5;
  base::Duration restart_interval = std::chrono::minutes(1); ///< zero: never
  /// After which a new generation that had no event to handle has passed its trial.
  base::Duration trial_time = std::chrono::minutes(5);
  /// How long `handle` may take for one batch, without the time of its statements; zero: no limit.
  base::Duration handle_timeout = std::chrono::minutes(5);
  /// How often in a row a partition's process may end with no event to blame before the projection has failed.
  std::uint32_t max_crashes = 5;
  bool sandbox = true;
  std::vector<std::string> sandbox_read;  ///< absolute paths, which need not exist; also executable
  std::vector<std::string> sandbox_write; ///< likewise, but not executable
  std::uint64_t memory_max = 0;           ///< bytes of private memory of a partition's process; 0: no limit
  std::optional<int> nice;                ///< absent: as the host
  std::vector<Setting> settings;
  Location where; ///< of its table
  /// It has no table. Not compared: a table that says the same changes nothing.
  bool autostarted = false;
  friend bool operator==(const Projection& a, const Projection& b);
};

struct Configuration {
  EventStore event_store;
  ReadModel read_model;
  Plugins plugins;
  Feed feed;
  std::optional<WorkerShare> worker;
  std::string log_level = "info";
  std::map<std::string, Projection> projections;
  /// For projections without a table: an autostarted plugin NAME.so runs with these under the name NAME.
  Projection defaults;
  /// Files of this configuration in the order in which they were read, the main file first. They are watched, and so
  /// are the directories of include patterns, where new files may appear.
  std::vector<std::filesystem::path> files;
  std::vector<std::filesystem::path> include_directories;
};

/// The configuration of an autostarted plugin: the defaults under its own name.
Projection autostarted(const Configuration& configuration, const std::string& plugin);

} // namespace projector::config
