#include "config/host_tables.hpp"

#include "config/unknown_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace projector::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::string_view kDsn = "a connection string of at most 8192 bytes in double quotes, such as "
                                  "\"host=/run/postgresql dbname=app\"";

/// A number, or the number at the end of a name.
void read_worker_id(const Field& field, HostValues& values) {
  std::int64_t id = field.value.kind == Value::Kind::Integer ? field.value.integer : -1;
  if (field.value.kind == Value::Kind::String) {
    const std::string& text = field.value.text;
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto digits = std::find_if_not(text.rbegin(), text.rend(), digit).base();
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data() + (digits - text.begin()), end, id).ec != std::errc{}) {
      id = -1;
    }
  }
  if (id < 0 || id >= kMostPartitions) {
    return field.refuse(fmt::format(
        "a number from 0 to {}, or a name that ends in one, such as \"projection-worker-3\"", kMostPartitions - 1));
  }
  values.worker_id = static_cast<std::uint32_t>(id);
}

void read_optional_paths(const Field& field, std::optional<std::vector<std::filesystem::path>>& target) {
  const std::size_t before = field.problems.size();
  std::vector<std::filesystem::path> paths;
  read_paths(field, paths);
  if (field.problems.size() == before) {
    target = std::move(paths);
  }
}

constexpr HostKey kEventStore[] = {
    {"dsn", [](const Field& f, HostValues& v) { read_secret(f, v.configuration.event_store.dsn, kDsn); }},
    {"events_table",
     [](const Field& f, HostValues& v) { read_identifier(f, v.configuration.event_store.events_table, true, false); }},
    {"poll_interval",
     [](const Field& f, HostValues& v) { read_duration(f, v.configuration.event_store.poll_interval, 1ms, 1h); }},
    {"notify_channel",
     [](const Field& f, HostValues& v) {
       read_identifier(f, v.configuration.event_store.notify_channel, false, true);
     }},
};

constexpr HostKey kReadModel[] = {
    {"dsn", [](const Field& f, HostValues& v) { read_secret(f, v.configuration.read_model.dsn, kDsn); }},
    {"checkpoints_table",
     [](const Field& f, HostValues& v) {
       read_identifier(f, v.configuration.read_model.checkpoints_table, true, false);
     }},
    {"pool_size",
     [](const Field& f, HostValues& v) { read_whole_number(f, v.configuration.read_model.pool_size, 1, 1000); }},
    {"pool_max",
     [](const Field& f, HostValues& v) { read_whole_number(f, v.configuration.read_model.pool_max, 1, 1000); }},
    {"prepared_statements",
     [](const Field& f, HostValues& v) { read_boolean(f, v.configuration.read_model.prepared_statements); }},
    {"synchronous_commit",
     [](const Field& f, HostValues& v) {
       read_choice(f, v.configuration.read_model.synchronous_commit,
                   {"off", "local", "remote_write", "on", "remote_apply"});
     }},
};

constexpr HostKey kPlugins[] = {
    {"directories", [](const Field& f, HostValues& v) { read_optional_paths(f, v.directories); }},
    {"autostart", [](const Field& f, HostValues& v) { read_optional_paths(f, v.autostart); }},
    {"cache", [](const Field& f, HostValues& v) { read_path(f, v.configuration.plugins.cache); }},
    {"state", [](const Field& f, HostValues& v) { read_path(f, v.configuration.plugins.state); }},
};

constexpr HostKey kFeed[] = {
    {"memory", [](const Field& f, HostValues& v) { read_size(f, v.configuration.feed.memory, kMiB, kMiB * kMiB); }},
};

constexpr HostKey kWorker[] = {
    {"id", read_worker_id},
    {"total",
     [](const Field& f, HostValues& v) {
       std::uint32_t total = 0;
       read_whole_number(f, total, 1, kMostPartitions);
       if (total != 0) {
         v.worker_total = total;
       }
     }},
};

constexpr HostKey kLog[] = {
    {"level",
     [](const Field& f, HostValues& v) {
       read_choice(f, v.configuration.log_level, {"trace", "debug", "info", "warn", "error", "off"});
     }},
};

constexpr HostTable kTables[] = {{"event_store", kEventStore}, {"read_model", kReadModel},
                                 {"plugins", kPlugins},        {"feed", kFeed},
                                 {"worker", kWorker},          {"log", kLog}};

} // namespace

std::span<const HostTable> host_tables() {
  return kTables;
}

void read_host_tables(const Value& root, const std::filesystem::path& base, HostValues& values, Problems& problems) {
  for (const HostTable& table : kTables) {
    const Value* found = find(root, table.name);
    if (found == nullptr) {
      continue;
    }
    if (found->kind != Value::Kind::Table) {
      Field{*found, std::string(table.name), base, problems}.refuse(fmt::format("a table [{}]", table.name));
      continue;
    }
    for (const Member& member : found->members) {
      const auto key =
          std::find_if(table.keys.begin(), table.keys.end(), [&](const HostKey& k) { return k.name == member.key; });
      if (key == table.keys.end()) {
        problems.push_back(unknown_key(member, table.name));
        continue;
      }
      const Field field{member.value, fmt::format("{}.{}", table.name, member.key), base, problems};
      const std::size_t before = problems.size();
      key->read(field, values);
      if (problems.size() > before) {
        values.refused.insert(field.key);
      }
      values.origins[field.key] = member.value.where;
    }
  }
}

} // namespace projector::config
