#include "projection/bookkeeper.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

namespace projector::projection {

Handover::Answer Handover::answer() const {
  const std::lock_guard lock(mutex_);
  return answer_;
}

Handover::Answer Handover::wait(const base::Stop& stop, base::Duration limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop.token(), limit, [&] { return answer_ != Answer::Pending; });
  return answer_;
}

void Handover::set(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = answer;
  changed_.notify_all();
}

Bookkeeper::Bookkeeper(Options options, const CheckpointTables& tables, eventlog::EventLog& log)
    : options_(std::move(options)), tables_(tables), log_(log), thread_([this] { run(); }) {}

Bookkeeper::~Bookkeeper() {
  stop_.request();
  poke();
  thread_.join();
}

std::shared_ptr<Handover> Bookkeeper::submit(GroupedMove move, std::uint64_t incarnation, base::TimePoint read_at) {
  auto handover = std::make_shared<Handover>();
  const std::lock_guard lock(mutex_);
  pending_.push_back({std::move(move), incarnation, read_at, handover});
  changed_.notify_all();
  return handover;
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

void Bookkeeper::run() {
  base::TimePoint heartbeat_at{};
  std::vector<Pending> pending;
  bool poked = false;
  while (true) {
    const bool last = stop_.requested();
    {
      std::unique_lock lock(mutex_);
      // What could not be answered is asked again after a pause; else wait for work or the next heartbeat.
      const auto pause = reported_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10);
      const auto until = pending.empty() && !reported_ ? heartbeat_at : base::Clock::now() + pause;
      changed_.wait_until(lock, stop_.token(), until, [&] { return !reported_ && (poked_ || !pending_.empty()); });
      poked = std::exchange(poked_, false);
      pending.insert(pending.end(), std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end()));
      pending_.clear();
    }
    const bool publish_now = last || poked || base::Clock::now() >= heartbeat_at;
    work(pending, publish_now);
    if (publish_now) {
      heartbeat_at = base::Clock::now() + options_.heartbeat;
    }
    if (last) {
      return;
    }
  }
}

void Bookkeeper::work(std::vector<Pending>& pending, bool publish_now) {
  const bool written = pending.empty() || attempt([&] { write(pending); });
  // One row that cannot be written keeps nobody's heartbeat back; a server that is away does.
  const bool published = !publish_now || ((written || connection_) && attempt([&] { publish(); }));
  reported_ = !written || (publish_now && !published);
}

bool Bookkeeper::attempt(const std::function<void()>& step) {
  try {
    step();
    return true;
  } catch (const pg::Interrupted&) {
    connection_.reset();
  } catch (const std::exception& error) {
    if (connection_ && !connection_->at_rest()) {
      connection_.reset();
    }
    if (options_.report && !reported_) {
      options_.report(fmt::format("states and checkpoints wait, the read model's server says: {}", error.what()));
    }
    reported_ = true;
  }
  return false;
}

pg::Connection& Bookkeeper::connection() {
  if (!connection_ || !connection_->usable()) {
    connection_ = std::make_unique<pg::Connection>(options_.connect, stop_, std::chrono::seconds(1));
  }
  return *connection_;
}

void Bookkeeper::write(std::vector<Pending>& pending) {
  pg::Connection& session = connection();
  std::vector<Pending> asked;
  for (auto& entry : pending) {
    // A session that is older than the read would have died with the server; a younger one proves nothing.
    const bool proven = session.connected_at() <= entry.read_at && log_.incarnation() == entry.incarnation;
    if (options_.same_server && !proven && !log_.confirm(entry.incarnation, stop_)) {
      entry.handover->set(Handover::Answer::StoreLost);
    } else {
      asked.push_back(std::move(entry));
    }
  }
  pending.clear();
  if (asked.empty()) {
    return;
  }
  std::vector<GroupedMove> moves;
  moves.reserve(asked.size());
  for (const auto& entry : asked) {
    moves.push_back(entry.move);
  }
  std::vector<MoveAnswer> answers;
  try {
    answers = write_checkpoints(session, tables_, moves);
  } catch (...) {
    pending = std::move(asked);
    throw;
  }
  for (std::size_t index = 0; index < asked.size(); ++index) {
    if (answers[index] == MoveAnswer::Busy) {
      pending.push_back(std::move(asked[index]));
    } else {
      asked[index].handover->set(answers[index] == MoveAnswer::Written ? Handover::Answer::Written
                                                                       : Handover::Answer::Moved);
    }
  }
}

void Bookkeeper::store_settled(pg::Connection& session) {
  const auto durable = log_.durable_settled();
  if (durable == stored_settled_) {
    return;
  }
  const auto identity = log_.identity();
  session.exec(fmt::format("INSERT INTO {} (store, timeline, settled) VALUES ($1, $2, $3) ON CONFLICT (store) DO "
                           "UPDATE SET timeline = excluded.timeline, settled = excluded.settled, updated_at = now()",
                           tables_.stores),
               pg::Parameters{}.text(identity.store).int8(identity.timeline).int8(durable));
  stored_settled_ = durable;
}

void Bookkeeper::publish() {
  std::vector<WorkerStatus> statuses;
  {
    const std::lock_guard lock(source_mutex_);
    if (!source_) {
      return;
    }
    statuses = source_();
  }
  pg::Connection& session = connection();
  store_settled(session);
  write_states(session, statuses);
  const auto requests = read_requests(session);
  const std::lock_guard lock(source_mutex_);
  if (requested_) {
    requested_(requests);
  }
}

Bookkeeper::RebuildRequests Bookkeeper::read_requests(pg::Connection& session) {
  const auto rows = session.exec(
      fmt::format("SELECT checkpoint, rebuild_requested FROM {} WHERE rebuild_requested > 0", tables_.projections));
  RebuildRequests requests;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    requests.emplace(rows.bytes(row, 0), rows.int8(row, 1));
  }
  return requests;
}

void Bookkeeper::write_states(pg::Connection& session, const std::vector<WorkerStatus>& statuses) {
  std::vector<std::string> names, projections, states, reasons, plugins, versions;
  std::vector<std::int64_t> partition, partitions, generations, threads, positions, handled;
  std::set<std::string_view> seen;
  for (const auto& status : statuses) {
    // A refused file may name a checkpoint that another projection has.
    if (!seen.insert(status.checkpoint).second) {
      continue;
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
  }
  // One statement: this host's rows become exactly what runs here, with a heartbeat. Those of hosts that died a day ago
  // go.
  session.exec(
      fmt::format(
          "WITH gone AS (DELETE FROM {0} WHERE host = $1 AND name <> ALL ($2::text[])), dead AS (DELETE FROM {0} "
          "WHERE (name, host) IN (SELECT name, host FROM {0} WHERE host <> $1 AND heartbeat < now() - interval "
          "'1 day' FOR UPDATE SKIP LOCKED)) INSERT INTO {0} "
          "(host, name, projection, state, reason, plugin, plugin_version, partition, partitions, "
          "generation, thread, position, handled) SELECT $1, * FROM unnest($2::text[], $3::text[], "
          "$4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], "
          "$11::bigint[], $12::bigint[], $13::bigint[]) ON CONFLICT (name, host) DO UPDATE SET "
          "projection = excluded.projection, state = excluded.state, reason = excluded.reason, plugin = "
          "excluded.plugin, plugin_version = excluded.plugin_version, partition = excluded.partition, "
          "partitions = excluded.partitions, generation = excluded.generation, thread = "
          "excluded.thread, position = excluded.position, handled = excluded.handled, heartbeat = now()",
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
          .int8_array(handled));
}

} // namespace projector::projection
