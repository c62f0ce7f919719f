#include "operated_host.hpp"

#include "base/stop.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace projector::test::model {
namespace {

namespace fs = std::filesystem;
using Kind = Operation::Kind;

/// A restart would try failed projections again at any time, which the model leaves out.
constexpr const char* kMain = "[defaults]\nrestart_interval = \"1h\"\n";

constexpr const char* kReadModels = R"(
CREATE FUNCTION refuse_bad_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a row of a bad version in %', TG_TABLE_NAME; END $$;
)";

constexpr const char* kReadModel = R"(
CREATE TABLE {0}_seen (projection text NOT NULL, partition integer NOT NULL, global_position bigint PRIMARY KEY);
CREATE CONSTRAINT TRIGGER bad_version AFTER INSERT ON {0}_seen DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.partition < 0) EXECUTE FUNCTION refuse_bad_version();
)";

/// One row per projection: its name, numbers of missing and of surplus rows, and the position up to which it is
/// complete.
constexpr const char* kReadModelFaults = R"(
SELECT '{0}', (SELECT count(*) FROM events e WHERE e.global_position > {3} AND e.global_position <= c.lowest
    AND NOT EXISTS (SELECT FROM {0}_seen s WHERE s.global_position = e.global_position)),
  (SELECT count(*) FROM {0}_seen s LEFT JOIN events e USING (global_position)
    LEFT JOIN projection_checkpoints p ON p.projection_name = {2} WHERE s.global_position > {3}
    AND (e.global_position IS NULL OR p.last_global_position IS NULL OR s.global_position > p.last_global_position
         OR s.projection <> '{0}' OR s.partition < 0)),
  (SELECT count(*) - count(DISTINCT global_position) FROM {0}_seen WHERE global_position > {3}), c.lowest
FROM (SELECT CASE WHEN count(*) = {1} THEN min(last_global_position) ELSE 0 END AS lowest FROM projection_checkpoints
  WHERE projection_name = '{0}' OR projection_name LIKE '{0}\_p%') AS c
)";

std::string toml_of(const std::string& name, const ProjectionFile& file) {
  static constexpr std::array<const char*, 4> kFaults{"", "batch_bytes = \n", "batch_sizes = 3\n",
                                                      "batch_bytes = true\n"};
  const Configuration& configuration = file.configuration;
  std::string toml =
      fmt::format("[projection.{}]\nplugin = \"{}\"\nenabled = {}\nbatch_size = {}\npartitions = {}\n", name,
                  configuration.plugin, configuration.enabled, configuration.batch_size, all_projections().at(name));
  toml += kFaults[static_cast<std::size_t>(file.fault)];
  if (!configuration.position.empty()) {
    toml += fmt::format("[projection.{}.settings]\nposition = {}\n", name, configuration.position);
  }
  return toml;
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  if (!out) {
    throw std::runtime_error(file.string() + " cannot be written");
  }
}

} // namespace

OperatedHost::OperatedHost(const std::string& dsn) : dsn_(dsn), host_(dsn, kMain) {
  connection().script(kReadModels);
  for (const auto& [name, partitions] : all_projections()) {
    connection().script(fmt::format(fmt::runtime(kReadModel), name));
  }
}

pg::Connection& OperatedHost::connection() {
  if (!connection_ || !connection_->usable()) {
    pg::ConnectOptions options;
    options.dsn = dsn_;
    options.application_name = "model";
    connection_ = std::make_unique<pg::Connection>(options, base::no_stop());
  }
  return *connection_;
}

void OperatedHost::start() {
  log_begin_ = host_.log().size();
  host_.start();
}

bool OperatedHost::gone() {
  return connection()
             .exec("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE "
                   "'projectord%'")
             .int8(0, 0) == 0;
}

void OperatedHost::perform(const Operation& operation) {
  const fs::path plugin = host_.plugin_directory() / (operation.name + ".so");
  switch (operation.kind) {
  case Kind::PutPlugin:
    return put_plugin(operation);
  case Kind::TouchPlugin:
    return fs::last_write_time(plugin, fs::file_time_type::clock::now());
  case Kind::RemovePlugin:
    return fs::rename(plugin, host_.plugin_directory().parent_path() / (operation.name + ".removed"));
  case Kind::PutProjection:
    return write_projection(operation.name, operation.projection);
  case Kind::RenameProjection: {
    const fs::path before = projection_path(operation.name);
    if (!renamed_.insert(operation.name).second) {
      renamed_.erase(operation.name);
    }
    return fs::rename(before, projection_path(operation.name));
  }
  case Kind::RemoveProjection:
    fs::remove(projection_path(operation.name));
    return;
  case Kind::BreakMain:
    return write_main(true);
  case Kind::RepairMain:
    return write_main(false);
  case Kind::Hangup:
    return host_.signal(SIGHUP);
  case Kind::Kill:
    host_.kill();
    // If the server still worked on a COMMIT, the next host would stand by.
    if (!eventually([&] { return gone(); })) {
      throw std::runtime_error("sessions of a host that was killed do not end");
    }
    return start();
  case Kind::Restart:
    if (const int code = host_.stop(); code != 0) {
      throw std::runtime_error(fmt::format("the host ended with {}", code));
    }
    return start();
  }
}

void OperatedHost::put_plugin(const Operation& operation) {
  const std::string& bytes = variants_.bytes(operation.name, operation.plugin);
  const fs::path file = host_.plugin_directory() / (operation.name + ".so");
  const fs::path written = operation.in_place ? file : host_.plugin_directory() / (".new." + operation.name);
  write(written, bytes);
  fs::permissions(written, fs::perms(operation.plugin.fault == PluginFile::Fault::Writable ? 0666 : 0644));
  if (!operation.in_place) {
    fs::rename(written, file);
  }
}

fs::path OperatedHost::projection_path(const std::string& name) const {
  return host_.configuration_file().parent_path() / "projections.d" /
         ((renamed_.contains(name) ? "other_" : "") + name + ".toml");
}

void OperatedHost::write_projection(const std::string& name, const ProjectionFile& file) {
  host_.write_projection_file(projection_path(name).stem().string(), toml_of(name, file));
}

void OperatedHost::write_main(bool broken) {
  static constexpr std::array<const char*, 3> kFaults{"[feed]\nmemory = 5\n", "[feeds]\n", "[feed\n"};
  host_.write_configuration(std::string(kMain) + (broken ? kFaults[spoiled_++ % kFaults.size()] : ""));
}

bool OperatedHost::settle() {
  const std::string name = fmt::format("tick_{}", ++ticks_);
  host_.write_projection_file("tick", fmt::format("[projection.{}]\nplugin = \"absent\"\n", name));
  return eventually([&] {
    return connection()
               .exec("SELECT count(*) FROM projector_workers WHERE host LIKE '%/' || $1 AND projection = $2",
                     pg::Parameters{}.text(std::to_string(host_.pid()), 25).text(name, 25))
               .int8(0, 0) == 1;
  });
}

std::optional<HostView> OperatedHost::view() {
  if (!host_.running()) {
    throw std::runtime_error("the host has ended by itself");
  }
  HostView view;
  try {
    const auto rows = connection().exec(
        "SELECT projection, name, state, plugin_version, generation, thread, reason FROM projector_workers WHERE "
        "host LIKE '%/' || $1 AND projection NOT LIKE 'tick\\_%'",
        pg::Parameters{}.text(std::to_string(host_.pid()), 25));
    const auto text = [&](std::size_t row, std::size_t column) { return std::string(rows.bytes(row, column)); };
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      view.rows[{text(row, 0), text(row, 1)}] = {
          text(row, 2), text(row, 3), static_cast<std::uint64_t>(rows.int8(row, 4)), rows.int8(row, 5), text(row, 6)};
    }
  } catch (const pg::Error&) {
    return std::nullopt; // before the host has made its tables
  }
  view.log = host_.log().substr(log_begin_);
  return view;
}

std::vector<std::string> OperatedHost::read_model_faults(bool all) {
  std::string sql;
  for (const auto& [name, partitions] : all_projections()) {
    const std::string row = partitions == 1 ? fmt::format("'{}'", name) : fmt::format("'{}_p' || s.partition", name);
    sql += (sql.empty() ? "" : "UNION ALL ") +
           fmt::format(fmt::runtime(kReadModelFaults), name, partitions, row, all ? 0 : looked_at_[name]);
  }
  // One statement, and so one snapshot.
  const auto rows = connection().exec(sql);
  std::vector<std::string> found;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string name(rows.bytes(row, 0));
    if (rows.int8(row, 1) != 0 || rows.int8(row, 2) != 0 || rows.int8(row, 3) != 0) {
      found.push_back(fmt::format("{}_seen: {} events are missing, {} rows are too much, {} are there twice", name,
                                  rows.int8(row, 1), rows.int8(row, 2), rows.int8(row, 3)));
    }
    looked_at_[name] = rows.int8(row, 4);
  }
  return found;
}

std::string OperatedHost::log_tail(std::size_t lines) const {
  const std::string log = host_.log();
  std::size_t at = log.size();
  for (; lines > 0 && at != std::string::npos && at > 0; --lines) {
    at = log.rfind('\n', at - 1);
  }
  return at == std::string::npos ? log : log.substr(at);
}

} // namespace projector::test::model
