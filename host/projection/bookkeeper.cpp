#include "projection/bookkeeper.hpp"

#include "base/clean_text.hpp"
#include "projection/bounded_statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace projector::projection {
namespace {

/// How soon a failed round is repeated, so that the end of the trouble shows soon.
constexpr base::Duration kFailedPause = std::chrono::milliseconds(100);

/// Between two rounds, so that the changes of many workers at once are written together.
constexpr base::Duration kLeastPause = std::chrono::milliseconds(25);

constexpr std::size_t kLongestName = 200; ///< in bytes; an index has to hold it
constexpr std::size_t kLongestReason = 8192;

/// Some of the text comes from plugins, events and files, and may hold any bytes.
WorkerStatus clean(WorkerStatus status) {
  for (auto* name : {&status.projection, &status.checkpoint, &status.plugin, &status.plugin_version}) {
    *name = base::clean_text(*name, kLongestName);
  }
  status.reason = base::clean_text(status.reason, kLongestReason);
  return status;
}

constexpr std::array<std::string_view, 3> kFailures{
    "the states and heartbeats of this host cannot be written",
    "the projections' epochs and what operators ask for cannot be read",
    "the settled position of the event store cannot be stored",
};

} // namespace

StoredProjections read_projections(pg::Connection& connection, const CheckpointTables& tables,
                                   base::Duration lock_timeout) {
  StoredProjections read;
  read.queried_at = base::Clock::now();
  const auto rows = exec_bounded(
      connection, lock_timeout,
      fmt::format("SELECT checkpoint, partitions::bigint, epoch, rebuild_requested FROM {}", tables.projections));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    read.by_checkpoint.emplace(rows.bytes(row, 0),
                               StoredProjection{.partitions = static_cast<std::uint32_t>(rows.int8(row, 1)),
                                                .epoch = rows.int8(row, 2),
                                                .rebuild_requested = rows.int8(row, 3)});
  }
  return read;
}

Bookkeeper::Bookkeeper(Options options, const CheckpointTables& tables, eventlog::EventLog& log)
    : options_(std::move(options)), tables_(tables), log_(log), session_(options_.connect, stop_, options_.report),
      stored_(options_.stored), thread_([this] { run(); }) {}

Bookkeeper::~Bookkeeper() {
  stop_.request();
  poke();
  thread_.join();
}

void Bookkeeper::publish_from(std::function<std::vector<WorkerStatus>()> source,
                              std::function<void(const RebuildRequests&)> requested) {
  const std::lock_guard lock(source_mutex_);
  source_ = std::move(source);
  requested_ = std::move(requested);
}

void Bookkeeper::poke() {
  const std::lock_guard lock(mutex_);
  poked_ = true;
  changed_.notify_all();
}

Bookkeeper::Hearing Bookkeeper::hearing(base::Duration interval) const {
  const std::lock_guard lock(mutex_);
  if (unheard_at_ == base::TimePoint::min()) {
    return written_at_ == base::TimePoint::min() ? Hearing::NotYet : Hearing::Heard;
  }
  return written_at_ > unheard_at_ && base::Clock::now() - unheard_at_ >= interval ? Hearing::Heard : Hearing::Unheard;
}

std::shared_ptr<const StoredProjections> Bookkeeper::stored() const {
  const std::lock_guard lock(mutex_);
  return stored_;
}

void Bookkeeper::run() {
  base::TimePoint next{};
  bool failed = false;
  while (true) {
    const bool last = stop_.requested();
    {
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, stop_.token(), next, [&] { return !failed && poked_; });
      poked_ = false;
    }
    failed = !publish();
    const auto ended = base::Clock::now();
    next = ended + (failed ? std::min(kFailedPause, options_.heartbeat) : options_.heartbeat);
    if (last) {
      return;
    }
    if (!failed) {
      stop_.wait_for(std::min(kLeastPause, options_.heartbeat));
    }
  }
}

bool Bookkeeper::publish() {
  std::vector<WorkerStatus> statuses;
  {
    const std::lock_guard lock(source_mutex_);
    if (!source_) {
      return true;
    }
    statuses = source_();
  }
  bool all = attempt(kStates, [&] { publish_states(statuses); });
  // While the server cannot be reached every step fails, and each would wait for the connection.
  if (session_.connected()) {
    all = attempt(kProjections, [&] { look_at_projections(); }) && all;
  }
  if (session_.connected()) {
    all = attempt(kSettled, [&] { store_settled(); }) && all;
  }
  return all;
}

bool Bookkeeper::attempt(Step step, const std::function<void()>& action) {
  return session_.attempt(
      step, [&] { return action(), true; },
      [&](const std::string& error) { return fmt::format("{}: {}", kFailures[step], error); });
}

void Bookkeeper::publish_states(const std::vector<WorkerStatus>& statuses) {
  const auto missed = [&] {
    const std::lock_guard lock(mutex_);
    unheard_at_ = base::Clock::now();
  };
  {
    const std::lock_guard lock(mutex_);
    const auto now = base::Clock::now();
    if (written_at_ != base::TimePoint::min() && now - written_at_ > 3 * options_.heartbeat) {
      unheard_at_ = now; // this process was suspended, or the machine had no time for it
    }
  }
  try {
    write_states(statuses);
  } catch (...) {
    missed();
    throw;
  }
  const std::lock_guard lock(mutex_);
  written_at_ = base::Clock::now();
}

void Bookkeeper::look_at_projections() {
  auto read = std::make_shared<const StoredProjections>(
      read_projections(session_.connection(), tables_, options_.lock_timeout));
  RebuildRequests requests;
  for (const auto& [checkpoint, stored] : read->by_checkpoint) {
    if (stored.rebuild_requested > 0) {
      requests.emplace(checkpoint, RebuildRequest{.epoch = stored.epoch, .number = stored.rebuild_requested});
    }
  }
  {
    const std::lock_guard lock(mutex_);
    stored_ = std::move(read);
  }
  const std::lock_guard lock(source_mutex_);
  if (requested_) {
    requested_(requests);
  }
}

void Bookkeeper::store_settled() {
  const auto durable = log_.durable_settled();
  if (durable == stored_settled_) {
    return;
  }
  const auto identity = log_.identity();
  exec_bounded(
      session_.connection(), options_.lock_timeout,
      fmt::format("INSERT INTO {} (store, timeline, settled, marks) VALUES ($1, $2, $3, $4) ON CONFLICT (store) "
                  "DO UPDATE SET timeline = excluded.timeline, settled = excluded.settled, marks = "
                  "excluded.marks, updated_at = now()",
                  tables_.stores),
      pg::Parameters{}
          .text(identity.store)
          .int8(identity.timeline)
          .int8(durable)
          .text(eventlog::marks_text(log_.marks())));
  stored_settled_ = durable;
}

void Bookkeeper::write_states(const std::vector<WorkerStatus>& statuses) {
  std::vector<WorkerStatus> rows;
  std::vector<std::string> names;
  for (const auto& status : statuses) {
    rows.push_back(clean(status));
    // A refused file may name a checkpoint that another projection has.
    if (std::find(names.begin(), names.end(), rows.back().checkpoint) != names.end()) {
      rows.pop_back();
    } else {
      names.push_back(rows.back().checkpoint);
    }
  }
  try {
    write_rows(names, rows);
    return;
  } catch (const pg::Error& error) {
    if (error.connection_lost() || error.is("55P03") || error.is("53") || error.is("57")) {
      throw;
    }
  }
  // A row that the server refuses does not keep the other heartbeats from being written.
  std::optional<pg::Error> refused;
  for (auto& row : rows) {
    try {
      write_row_apart(names, row);
    } catch (const pg::Error& error) {
      if (error.connection_lost()) {
        throw;
      }
      refused = pg::Error(error.kind(), error.sqlstate(), fmt::format("{}: {}", row.checkpoint, error.what()));
    }
  }
  if (refused) {
    throw *refused;
  }
}

void Bookkeeper::write_row_apart(const std::vector<std::string>& names, WorkerStatus& row) {
  try {
    write_rows(names, {row});
  } catch (const pg::Error& error) {
    if (!error.is("22")) {
      throw;
    }
    // The database's encoding may lack a character.
    row.reason = base::ascii_text(row.reason);
    row.plugin = base::ascii_text(row.plugin);
    row.plugin_version = base::ascii_text(row.plugin_version);
    write_rows(names, {row});
  }
}

void Bookkeeper::write_rows(const std::vector<std::string>& all_names, const std::vector<WorkerStatus>& rows) {
  std::vector<std::string> run_here, names, projections, states, reasons, plugins, versions;
  std::vector<std::int64_t> partition, partitions, generations, threads, positions, handled, processes, restarts,
      private_bytes, cpu_ms;
  for (const auto& status : rows) {
    if (status.state == State::Live || status.state == State::CatchingUp || status.state == State::Retrying) {
      run_here.push_back(status.checkpoint);
    }
    names.push_back(status.checkpoint);
    projections.push_back(status.projection);
    states.emplace_back(to_string(status.state));
    reasons.push_back(status.reason);
    plugins.push_back(status.plugin);
    versions.push_back(status.plugin_version);
    partition.push_back(status.partition);
    partitions.push_back(status.partitions);
    generations.push_back(static_cast<std::int64_t>(status.generation));
    threads.push_back(status.thread);
    positions.push_back(status.position);
    handled.push_back(static_cast<std::int64_t>(status.handled));
    processes.push_back(status.process);
    restarts.push_back(static_cast<std::int64_t>(status.restarts));
    private_bytes.push_back(static_cast<std::int64_t>(status.private_bytes));
    cpu_ms.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(status.cpu).count());
  }
  // This one statement writes a row with a heartbeat for each worker, and deletes this host's other rows. Rows of
  // silent hosts are deleted after a minute where this host runs the partition, else after an hour, since they show who
  // ran it.
  exec_bounded(
      session_.connection(), options_.lock_timeout,
      fmt::format(
          "WITH gone AS (DELETE FROM {0} WHERE host = $1 AND name <> ALL ($18::text[])), dead AS (DELETE FROM {0} "
          "WHERE (name, host) IN (SELECT name, host FROM {0} WHERE host <> $1 AND (heartbeat < now() - interval "
          "'1 hour' OR (name = ANY ($19::text[]) AND heartbeat < now() - interval '1 minute')) FOR UPDATE SKIP "
          "LOCKED)) INSERT INTO {0} "
          "(host, name, projection, state, reason, plugin, plugin_version, partition, partitions, "
          "generation, thread, position, handled, process, restarts, private_bytes, cpu_ms) SELECT $1, * FROM "
          "unnest($2::text[], $3::text[], "
          "$4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], "
          "$11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[]) ON "
          "CONFLICT (name, host) DO UPDATE SET "
          "projection = excluded.projection, state = excluded.state, reason = excluded.reason, plugin = "
          "excluded.plugin, plugin_version = excluded.plugin_version, partition = excluded.partition, "
          "partitions = excluded.partitions, generation = excluded.generation, thread = "
          "excluded.thread, position = excluded.position, handled = excluded.handled, "
          "process = excluded.process, restarts = excluded.restarts, private_bytes = excluded.private_bytes, cpu_ms = "
          "excluded.cpu_ms, heartbeat = now()",
          tables_.workers),
      pg::Parameters{}
          .text(options_.host, 25)
          .text_array(names)
          .text_array(projections)
          .text_array(states)
          .text_array(reasons)
          .text_array(plugins)
          .text_array(versions)
          .int8_array(partition)
          .int8_array(partitions)
          .int8_array(generations)
          .int8_array(threads)
          .int8_array(positions)
          .int8_array(handled)
          .int8_array(processes)
          .int8_array(restarts)
          .int8_array(private_bytes)
          .int8_array(cpu_ms)
          .text_array(all_names)
          .text_array(run_here));
}

} // namespace projector::projection
