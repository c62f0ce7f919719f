#include "config/projection_table.hpp"

#include "config/host_tables.hpp"
#include "config/settings_table.hpp"
#include "config/unknown_key.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostNameBytes = 48;
constexpr std::size_t kMostPluginBytes = 64;
constexpr std::size_t kMostCheckpointBytes = 200;

bool is_lower_name(std::string_view text, std::size_t most_bytes) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= most_bytes && lower(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

void read_plugin(const Field& field, Projection& projection) {
  std::string_view name = field.value.text;
  std::string hint;
  if (name.find('/') != std::string_view::npos) {
    name.remove_prefix(name.rfind('/') + 1);
    hint = ", without its directory, which belongs in plugins.directories";
  }
  if (name.size() > 3 && name.substr(name.size() - 3) == ".so") {
    name.remove_suffix(3);
    hint = ", without .so" + hint;
  }
  if (field.value.kind != Value::Kind::String || !hint.empty() || !is_lower_name(name, kMostPluginBytes)) {
    return field.refuse("the plugin's file name, a lower-case letter and then at most 63 of a-z, 0-9 and _" + hint);
  }
  projection.plugin = name;
}

void read_schema(const Field& field, Projection& projection) {
  const std::string_view text = field.value.text;
  if (text.substr(0, 3) == "pg_" || text == "information_schema") {
    return field.refuse("a schema of your own: this one belongs to PostgreSQL");
  }
  read_identifier(field, projection.schema, false, true);
}

void read_start_from(const Field& field, Projection& projection) {
  const Value& value = field.value;
  if (value.kind == Value::Kind::Integer && value.integer >= 0) {
    projection.start_from = {StartFrom::Kind::Position, value.integer};
  } else if (value.kind == Value::Kind::String && value.text == "beginning") {
    projection.start_from = {StartFrom::Kind::Beginning, 0};
  } else if (value.kind == Value::Kind::String && value.text == "end") {
    projection.start_from = {StartFrom::Kind::End, 0};
  } else {
    field.refuse("\"beginning\", \"end\" or a position: a whole number from 0, without quotes");
  }
}

void read_checkpoint(const Field& field, Projection& projection) {
  if (field.value.text.size() > kMostCheckpointBytes) {
    return field.refuse(fmt::format("a name of at most {} bytes", kMostCheckpointBytes));
  }
  read_text(field, projection.checkpoint, "the name of a checkpoint, or \"\" for the projection's own name");
}

void read_on_error(const Field& field, Projection& projection) {
  std::string text;
  read_choice(field, text, {"stop"});
  projection.on_error = OnError::Stop;
}

void read_rebuild(const Field& field, Projection& projection) {
  std::string text = projection.rebuild == Rebuild::Automatic ? "automatic" : "manual";
  read_choice(field, text, {"manual", "automatic"});
  projection.rebuild = text == "automatic" ? Rebuild::Automatic : Rebuild::Manual;
}

void read_partitions(const Field& field, Projection& projection) {
  read_whole_number(field, projection.partitions, 1, kMostPartitions);
  projection.partitions_given = true;
}

constexpr ProjectionKey kKeys[] = {
    {"plugin", false, read_plugin},
    {"enabled", false, [](const Field& f, Projection& p) { read_boolean(f, p.enabled); }},
    {"batch_size", true, [](const Field& f, Projection& p) { read_whole_number(f, p.batch_size, 1, 100'000); }},
    {"batch_bytes", true, [](const Field& f, Projection& p) { read_size(f, p.batch_bytes, 1u << 10, 1u << 30); }},
    {"partitions", true, read_partitions},
    {"schema", true, read_schema},
    {"start_from", false, read_start_from},
    {"checkpoint", false, read_checkpoint},
    {"checkpoint_interval", true,
     [](const Field& f, Projection& p) { read_duration(f, p.checkpoint_interval, 1ms, 1h); }},
    {"on_error", true, read_on_error},
    {"rebuild", true, read_rebuild},
    {"retry_backoff", true, [](const Field& f, Projection& p) { read_duration(f, p.retry_backoff, 1ms, 1h); }},
    {"retry_backoff_max", true, [](const Field& f, Projection& p) { read_duration(f, p.retry_backoff_max, 1ms, 24h); }},
    {"max_retries", true, [](const Field& f, Projection& p) { read_whole_number(f, p.max_retries, 0, 1'000'000); }},
    {"restart_interval", true,
     [](const Field& f, Projection& p) { read_duration(f, p.restart_interval, 1ms, 30 * 24h, true); }},
    {"trial_time", true, [](const Field& f, Projection& p) { read_duration(f, p.trial_time, 1ms, 30 * 24h, true); }},
    {"handle_timeout", true,
     [](const Field& f, Projection& p) { read_duration(f, p.handle_timeout, 1ms, 30 * 24h, true); }},
    {"max_crashes", true, [](const Field& f, Projection& p) { read_whole_number(f, p.max_crashes, 1, 1'000'000); }},
    {"sandbox", true, [](const Field& f, Projection& p) { read_boolean(f, p.sandbox); }},
    {"sandbox_read", true, [](const Field& f, Projection& p) { read_absolute_paths(f, p.sandbox_read); }},
    {"sandbox_write", true, [](const Field& f, Projection& p) { read_absolute_paths(f, p.sandbox_write); }},
    {"memory_max", true,
     [](const Field& f, Projection& p) { read_size(f, p.memory_max, 16u << 20, 1024ull << 30, true); }},
    {"nice", true, [](const Field& f, Projection& p) { read_whole_number(f, p.nice, -20, 19); }},
    {"settings", false, [](const Field& f, Projection& p) { read_settings(f, p.settings); }},
};

} // namespace

std::span<const ProjectionKey> projection_keys() {
  return kKeys;
}

void read_projection_table(const Value& table, std::string_view name, const std::filesystem::path& base,
                           ProjectionDraft& draft, Problems& problems) {
  const bool defaults = name == "defaults";
  if (table.kind != Value::Kind::Table) {
    return Field{table, std::string(name), base, problems}.refuse(fmt::format("a table [{}]", name));
  }
  for (const Member& member : table.members) {
    const auto key = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const ProjectionKey& k) {
      return k.name == member.key && (k.in_defaults || !defaults);
    });
    if (key == std::end(kKeys)) {
      problems.push_back(unknown_key(member, name));
      continue;
    }
    const std::size_t before = problems.size();
    key->read(Field{member.value, fmt::format("{}.{}", name, member.key), base, problems}, draft.projection);
    draft.refused = draft.refused || problems.size() > before;
    draft.origins[member.key] = member.value.where;
  }
}

std::string projection_name_fault(std::string_view name) {
  if (!is_lower_name(name, kMostNameBytes)) {
    return fmt::format(
        "the projection's name is {}, expected a lower-case letter and then at most 47 of a-z, 0-9 and _", quote(name));
  }
  const std::size_t p = name.find_last_not_of("0123456789");
  if (p != name.size() - 1 && p >= 1 && name.substr(p - 1, 2) == "_p") {
    return fmt::format("the projection's name {} ends in _p and digits, which names the checkpoint of a partition; "
                       "choose another ending",
                       quote(name));
  }
  return {};
}

} // namespace projector::config
