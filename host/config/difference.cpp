#include "config/difference.hpp"

namespace projector::config {
namespace {

void compare_hosts(const Configuration& a, const Configuration& b, Difference& result) {
  const auto compare = [](bool same, const char* key, std::vector<std::string>& keys) {
    if (!same) {
      keys.emplace_back(key);
    }
  };
  auto& restart = result.restart;
  compare(a.event_store.dsn == b.event_store.dsn, "event_store.dsn", restart);
  compare(a.event_store.events_table == b.event_store.events_table, "event_store.events_table", restart);
  compare(a.event_store.poll_interval == b.event_store.poll_interval, "event_store.poll_interval", restart);
  compare(a.event_store.notify_channel == b.event_store.notify_channel, "event_store.notify_channel", restart);
  const ReadModel& old_model = a.read_model;
  const ReadModel& new_model = b.read_model;
  const bool both_follow = old_model.same_as_event_store && new_model.same_as_event_store;
  compare(both_follow || old_model.dsn == new_model.dsn, "read_model.dsn", restart);
  compare(old_model.checkpoints_table == new_model.checkpoints_table, "read_model.checkpoints_table", restart);
  compare(old_model.pool_size == new_model.pool_size, "read_model.pool_size", restart);
  compare(old_model.pool_max == new_model.pool_max, "read_model.pool_max", restart);
  compare(old_model.prepared_statements == new_model.prepared_statements, "read_model.prepared_statements", restart);
  compare(old_model.synchronous_commit == new_model.synchronous_commit, "read_model.synchronous_commit", restart);
  compare(a.plugins.cache == b.plugins.cache, "plugins.cache", restart);
  compare(a.plugins.state == b.plugins.state, "plugins.state", restart);
  compare(a.feed.memory == b.feed.memory, "feed.memory", restart);
  compare(a.worker.has_value() == b.worker.has_value() && (!a.worker || a.worker->id == b.worker->id), "worker.id",
          restart);
  compare(a.worker.has_value() == b.worker.has_value() && (!a.worker || a.worker->total == b.worker->total),
          "worker.total", restart);
  compare(a.plugins.directories == b.plugins.directories, "plugins.directories", result.live);
  compare(a.plugins.autostart == b.plugins.autostart, "plugins.autostart", result.live);
  compare(a.log_level == b.log_level, "log.level", result.live);
}

} // namespace

Difference difference(const Configuration& running, const Configuration& wanted) {
  Difference result;
  compare_hosts(running, wanted, result);
  result.defaults = !(running.defaults == wanted.defaults);
  for (const auto& [name, projection] : wanted.projections) {
    const auto old = running.projections.find(name);
    if (old == running.projections.end()) {
      result.added.push_back(name);
    } else if (!(old->second == projection)) {
      result.changed.push_back(name);
    }
  }
  for (const auto& [name, projection] : running.projections) {
    if (wanted.projections.count(name) == 0) {
      result.removed.push_back(name);
    }
  }
  return result;
}

} // namespace projector::config
