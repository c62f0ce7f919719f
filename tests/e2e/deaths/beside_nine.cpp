#include "beside_nine.hpp"

#include "base/stop.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <fstream>
#include <regex>

namespace projector::test {
namespace {

struct Healthy {
  const char* name;
  const char* plugin;
  const char* keys;
  const char* compared_as; ///< the plugin whose read model it writes
};
constexpr std::array<Healthy, 9> kNine{{{"counter", "user_counter", "partitions = 2\n", "user_counter"},
                                        {"revenue", "revenue", "batch_size = 50\n", "revenue"},
                                        {"log", "activity_log", "", "activity_log"},
                                        {"log_small", "activity_log", "batch_size = 10\n", "activity_log"},
                                        {"seen", "recorder", "", "recorder"},
                                        {"seen_parts", "recorder", "partitions = 2\n", "recorder"},
                                        {"witness", "witness", "", "recorder"},
                                        {"witness_small", "witness", "batch_size = 5\n", "recorder"},
                                        {"witness_parts", "witness", "partitions = 2\n", "recorder"}}};
constexpr const char* kWorkers = "12"; ///< of the nine
constexpr auto kWithin = std::chrono::seconds(60);

/// Enough for all workers at once, so that none waits for a session.
constexpr const char* kMainFile = "[read_model]\npool_size = 16\n";

/// One for the whole program, that remembers when each transaction was committed.
PrivatePostgres& server() {
  static PrivatePostgres one({{"track_commit_timestamp = on"}, false});
  return one;
}

std::string new_store() {
  const std::string dsn = server().create_database();
  create_event_store(dsn);
  return dsn;
}

} // namespace

std::filesystem::path built(const std::string& version, const std::string& name) {
  return std::filesystem::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / version / (name + ".so");
}

std::string dying(const std::string& where, const std::string& how, const std::string& keys, const std::string& type) {
  return fmt::format("{}[projection.dies.settings]\nwhere = \"{}\"\nhow = \"{}\"\nevent_type = \"{}\"\nlibrary = "
                     "\"{}\"\n",
                     keys, where, how, type, built("libraries", "libwith_thread").string());
}

BesideNine::BesideNine() : dsn_(new_store()), host_(dsn_, kMainFile) {
  pg::ConnectOptions options;
  options.dsn = dsn_;
  options.application_name = "test";
  connection_ = std::make_unique<pg::Connection>(options, base::no_stop());
}

void BesideNine::start_nine(const std::string& keys) {
  std::string toml;
  for (const auto& one : kNine) {
    host_.install_plugin(one.plugin);
    toml += fmt::format("[projection.{}]\nplugin = \"{}\"\n{}{}", one.name, one.plugin, one.keys, keys);
  }
  host_.write_projection_file("nine", toml);
  host_.start({"--set", "event_store.poll_interval=20ms"});
  writers_ = std::make_unique<EventWriters>(
      dsn_, EventWriters::Options{.writers = 4, .events = ~std::uint64_t{0}, .pause_us = 20000});
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state IN ('live', 'catching_up') AND handled > 0",
                      kWorkers))
      << everything();
  before_ = what_stays();
}

void BesideNine::add_tenth(const std::string& toml, const std::filesystem::path& plugin) {
  const std::string name = plugin.stem().string();
  host_.install_file(plugin, name);
  host_.write_projection_file("tenth", fmt::format("[projection.dies]\nplugin = \"{}\"\n{}", name, toml));
}

void BesideNine::tenth_keeps_up() {
  const std::string last = last_position();
  ASSERT_TRUE(becomes(
      fmt::format("SELECT min(position) >= {} FROM projector_checkpoints WHERE checkpoint = 'dies'", last), "t"))
      << everything();
}

std::int64_t BesideNine::append_deadly() {
  return std::stoll(value(
      "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
      "payload) SELECT 'shop', 'Order', 'deadly', 1 + count(*), gen_random_uuid(), 'Deadly', convert_to('{}', 'UTF8') "
      "FROM events WHERE aggregate_id = 'deadly' RETURNING global_position"));
}

void BesideNine::replace_tenth() {
  host_.install_file(built("harmless", "dies"), "dies");
  ASSERT_TRUE(becomes("SELECT bool_and(plugin_version = '2.0.0' AND state IN ('live', 'catching_up')) FROM "
                      "projector_workers WHERE projection = 'dies'",
                      "t"))
      << everything();
  tenth_keeps_up();
}

std::string BesideNine::value(const std::string& sql) {
  const auto result = connection_->exec(sql);
  return result.rows() == 0 || result.is_null(0, 0) ? "" : std::string(result.bytes(0, 0));
}

bool BesideNine::becomes(const std::string& sql, const std::string& expected) {
  return eventually(
      [&] {
        try {
          return value(sql) == expected;
        } catch (const pg::Error&) {
          return false; // a table that the host or a plugin has not made yet
        }
      },
      kWithin);
}

std::string BesideNine::tenth() {
  return value("SELECT string_agg(DISTINCT CASE WHEN reason = '' THEN state ELSE state || ': ' || reason END, E'\\n') "
               "FROM projector_workers WHERE projection = 'dies'");
}

bool BesideNine::tenth_becomes(const std::string& pattern) {
  const std::regex expected(pattern);
  return eventually([&] { return std::regex_match(tenth(), expected); });
}

std::string BesideNine::threads() {
  return value("SELECT string_agg(name || ' ' || thread, E'\\n' ORDER BY name) FROM projector_workers WHERE projection "
               "<> 'dies'");
}

std::vector<RunnerProcessSeen> BesideNine::runners_of_tenth() {
  auto runners = runners_of(host_.pid());
  std::erase_if(runners, [](const auto& one) { return !one.title.starts_with("projectord: dies"); });
  return runners;
}

std::string BesideNine::what_stays() {
  std::string text = fmt::format("host {} in {}\n", host_.running() ? host_.pid() : -1,
                                 std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", host_.pid())).string());
  std::ifstream status(fmt::format("/proc/{}/status", host_.pid()));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Umask:") || line.starts_with("SigBlk:") || line.starts_with("SigIgn:")) {
      text += line + "\n";
    }
  }
  text += threads();
  for (const auto& runner : runners_of(host_.pid())) {
    if (!runner.title.starts_with("projectord: dies")) {
      text += fmt::format("\n{} {}", runner.title, runner.pid);
    }
  }
  return text;
}

void BesideNine::nine_go_on() {
  const std::string last = last_position();
  ASSERT_TRUE(becomes(fmt::format("SELECT count(*) FROM projector_checkpoints WHERE checkpoint <> 'dies' AND position "
                                  "> {}",
                                  last),
                      kWorkers))
      << everything();
}

void BesideNine::expect_nine_undisturbed() {
  nine_go_on();
  EXPECT_EQ(what_stays(), before_) << everything();
  EXPECT_EQ(value("SELECT count(*) FROM projector_workers WHERE projection <> 'dies' AND state IN ('live', "
                  "'catching_up') AND reason = '' AND generation = 1"),
            kWorkers)
      << everything();
  EXPECT_EQ(value("SELECT (SELECT count(*) FROM witness_setups) || ',' || (SELECT count(*) FROM witness_small_setups) "
                  "|| ',' || (SELECT count(*) FROM witness_parts_setups)"),
            "1,1,2")
      << everything();
  EXPECT_EQ(
      value("SELECT string_agg(format('attempt %s of events from %s', attempt, position), ', ') "
            "FROM (SELECT * FROM witness_repeats UNION ALL SELECT * FROM witness_small_repeats UNION ALL SELECT * "
            "FROM witness_parts_repeats) AS repeats"),
      "")
      << everything();
}

void BesideNine::expect_all_exact(bool with_tenth) {
  writers_.reset();
  ASSERT_TRUE(becomes(fmt::format("SELECT min(position) >= {} FROM projector_checkpoints {}", last_position(),
                                  with_tenth ? "" : "WHERE checkpoint <> 'dies'"),
                      "t"))
      << everything();
  for (const auto& one : kNine) {
    EXPECT_EQ(read_model_difference(dsn_, one.compared_as, one.name), 0) << one.name << "\n" << everything();
  }
  if (with_tenth) {
    EXPECT_EQ(read_model_difference(dsn_, "recorder", "dies"), 0) << everything();
  }
}

void BesideNine::end_with_harmless_version() {
  replace_tenth();
  expect_nine_undisturbed();
  expect_all_exact();
  EXPECT_EQ(host_.stop(), 0) << everything();
}

std::string BesideNine::last_position() {
  return value("SELECT coalesce(max(global_position), 0) FROM events");
}

std::string BesideNine::everything() {
  std::string workers;
  try {
    workers = value("SELECT string_agg(format('%s: %s, generation %s of %s %s, at %s, %s', name, state, generation, "
                    "plugin, plugin_version, position, reason), E'\\n' ORDER BY name) FROM projector_workers");
  } catch (const pg::Error& error) {
    workers = error.what();
  }
  return workers + "\n" + host_.log();
}

BesideNine::Gaps BesideNine::gaps(const std::string& from, const std::string& to) {
  std::string all;
  for (const char* table : {"log_entries", "log_small_entries", "seen_seen", "seen_parts_seen", "witness_seen",
                            "witness_small_seen", "witness_parts_seen"}) {
    all += fmt::format("{}SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM (SELECT DISTINCT "
                       "pg_xact_commit_timestamp(xmin) AS at FROM {}) commits WHERE at BETWEEN '{}' AND '{}'",
                       all.empty() ? "" : " UNION ALL ", table, from, to);
  }
  const std::string ms = value(fmt::format(
      "SELECT coalesce(extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY gap)) * 1000, 0) || ' ' || "
      "coalesce(extract(epoch FROM max(gap)) * 1000, 0) FROM ({}) gaps",
      all));
  Gaps result;
  result.median_ms = std::stod(ms);
  result.longest_ms = std::stod(ms.substr(ms.find(' ')));
  return result;
}

} // namespace projector::test
