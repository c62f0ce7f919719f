#include "config/restart_keys.hpp"

namespace projector::config {

std::vector<std::string> restart_keys(const Configuration& running, const Configuration& wanted) {
  std::vector<std::string> keys;
  const auto compare = [&](bool same, const char* key) {
    if (!same) {
      keys.emplace_back(key);
    }
  };
  const EventStore& old_store = running.event_store;
  const EventStore& new_store = wanted.event_store;
  compare(old_store.dsn == new_store.dsn, "event_store.dsn");
  compare(old_store.events_table == new_store.events_table, "event_store.events_table");
  compare(old_store.poll_interval == new_store.poll_interval, "event_store.poll_interval");
  compare(old_store.notify_channel == new_store.notify_channel, "event_store.notify_channel");
  const ReadModel& old_model = running.read_model;
  const ReadModel& new_model = wanted.read_model;
  const bool both_follow = old_model.same_as_event_store && new_model.same_as_event_store;
  compare(both_follow || old_model.dsn == new_model.dsn, "read_model.dsn");
  compare(old_model.checkpoints_table == new_model.checkpoints_table, "read_model.checkpoints_table");
  compare(old_model.pool_size == new_model.pool_size, "read_model.pool_size");
  compare(old_model.pool_max == new_model.pool_max, "read_model.pool_max");
  compare(old_model.prepared_statements == new_model.prepared_statements, "read_model.prepared_statements");
  compare(old_model.synchronous_commit == new_model.synchronous_commit, "read_model.synchronous_commit");
  compare(running.plugins.cache == wanted.plugins.cache, "plugins.cache");
  compare(running.plugins.state == wanted.plugins.state, "plugins.state");
  compare(running.feed.memory == wanted.feed.memory, "feed.memory");
  const auto& a = running.worker;
  const auto& b = wanted.worker;
  compare(a.has_value() == b.has_value() && (!a || a->id == b->id), "worker.id");
  compare(a.has_value() == b.has_value() && (!a || a->total == b->total), "worker.total");
  return keys;
}

} // namespace projector::config
