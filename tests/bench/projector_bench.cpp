#include "baselines.hpp"
#include "drops.hpp"
#include "measure.hpp"
#include "processes.hpp"
#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace projector;

struct Options {
  std::uint64_t events = 1000000;
  std::uint64_t upserts = 200000;
  int runs = 3;
  std::uint32_t live = 50;
  std::uint32_t drops = 50;
  std::uint32_t replacements = 21;
  std::string only;
};

/// A store of `events` events of about 250 bytes each.
std::string fill(test::PrivatePostgres& server, std::uint64_t events) {
  const std::string dsn = server.create_database();
  test::create_event_store(dsn);
  test::query_value(
      dsn,
      fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                  "event_type, payload) SELECT 'shop', 'Order', 'order-' || (i % 5000), i, gen_random_uuid(), "
                  "'OrderPlaced', convert_to('{{\"order_id\":\"' || i || '\",\"note\":\"' || repeat('x', 120) || "
                  "'\"}}', 'UTF8') FROM generate_series(1, {}) i",
                  events));
  test::query_value(dsn, "VACUUM (FREEZE, ANALYZE) events");
  return dsn;
}

void print(const std::string& what, double ours, double theirs, double ratio, const std::string& goal, bool held) {
  fmt::print("{:<62} {:>8.3f} s {:>8.3f} s  {:>5.2f}  {:<12} {}\n", what, ours, theirs, ratio, goal,
             held ? "held" : "NOT HELD");
}

/// Each row is measured `runs` times, alternating with its baseline, so that both run under the same conditions.
void compare_rates(const std::string& what, int runs, const std::function<double()>& ours,
                   const std::function<double()>& theirs, double at_least) {
  std::vector<double> our_seconds, their_seconds, ratios;
  for (int run = 0; run < runs; ++run) {
    their_seconds.push_back(theirs());
    our_seconds.push_back(ours());
    ratios.push_back(their_seconds.back() / our_seconds.back());
  }
  const double ratio = bench::median(ratios);
  print(what, bench::median(our_seconds), bench::median(their_seconds), ratio, fmt::format(">= {}", at_least),
        ratio >= at_least);
}

void compare_times(const std::string& what, int runs, const std::function<double()>& ours,
                   const std::function<double()>& theirs, double at_most) {
  std::vector<double> our_seconds, their_seconds, ratios;
  for (int run = 0; run < runs; ++run) {
    their_seconds.push_back(theirs());
    our_seconds.push_back(ours());
    ratios.push_back(our_seconds.back() / their_seconds.back());
  }
  const double ratio = bench::median(ratios);
  print(what, bench::median(our_seconds), bench::median(their_seconds), ratio, fmt::format("<= {}", at_most),
        ratio <= at_most);
}

void measure_rates(const Options& options) {
  test::PrivatePostgres server({{"shared_buffers = 1GB", "max_wal_size = 8GB", "checkpoint_timeout = 1h"}, false});
  fmt::print("filling a store with {} events ..\n", options.events);
  const std::string dsn = fill(server, options.events);
  bench::copy_seconds(dsn, options.events);
  fmt::print("{:<62} {:>10} {:>10}  {:>5}  {:<12}\n", "median of " + std::to_string(options.runs) + " runs in turn",
             "ours", "beside it", "ratio", "goal");
  const auto no_op = [&](std::uint32_t projections) {
    return [&dsn, projections] { return bench::host_seconds({dsn, "bench_noop", projections, 1000}); };
  };
  compare_rates(
      "one no-op projection, against one binary COPY", options.runs, no_op(1),
      [&] { return bench::copy_seconds(dsn, options.events); }, 0.8);
  compare_times("ten no-op projections, against one", options.runs, no_op(10), no_op(1), 1.4);
  compare_times("a hundred no-op projections, against one", options.runs, no_op(100), no_op(1), 3.0);
  const std::string upserts = fill(server, options.upserts);
  compare_rates(
      "one upsert an event, against a bare libpq pipeline", options.runs,
      [&] {
        return bench::host_seconds({upserts, "bench_upserts", 1, 1000});
      },
      [&] { return bench::pipeline_seconds(upserts, options.upserts, 1000); }, 0.8);
}

void measure_drops(const Options& options) {
  constexpr double kMostMilliseconds = 250;
  test::PrivatePostgres server({{"track_commit_timestamp = on"}, false});
  const auto drops = bench::drop_files(fill(server, 100000), options.live, options.drops);
  const double p95 = bench::percentile(drops.milliseconds, 0.95);
  fmt::print("a dropped file's first handled batch, {} in turn beside {} live projections: p50 {:.0f} ms, p95 {:.0f} "
             "ms, max {:.0f} ms; p95 <= {} ms {}\n",
             options.drops, options.live, bench::percentile(drops.milliseconds, 0.5), p95, drops.milliseconds.back(),
             kMostMilliseconds, p95 <= kMostMilliseconds ? "held" : "NOT HELD");
  fmt::print("the live ones meanwhile: {:.0f} events/s handled of {:.0f} events/s written without drops, {:.0f} of "
             "{:.0f} with them; of each written event {:.1f} and {:.1f} of {} deliveries\n",
             drops.handled_without, drops.written_without, drops.handled_with, drops.written_with,
             drops.handled_without / drops.written_without, drops.handled_with / drops.written_with, options.live);
}

/// What depends on how a plugin's process is reached. These rows have no goal: compare them with another build's.
void measure_processes(const Options& options) {
  test::PrivatePostgres server({{"shared_buffers = 1GB", "max_wal_size = 8GB", "track_commit_timestamp = on"}, false});
  const std::uint64_t few = options.events / 10;
  const std::string dsn = fill(server, few);
  const auto report = [&](const std::string& what, const bench::Run& run, std::uint64_t batches) {
    std::vector<double> seconds;
    for (int each = 0; each < options.runs; ++each) {
      seconds.push_back(bench::host_seconds(run));
    }
    const double middle = bench::median(seconds);
    fmt::print("{:<62} {:>8.3f} s {:>8.1f} us a batch\n", what, middle, middle * 1e6 / static_cast<double>(batches));
  };
  report("a hundred no-op projections, batches of 10", {dsn, "bench_noop", 100, 10}, few * 10);
  report("a hundred no-op projections, batches of 100", {dsn, "bench_noop", 100, 100}, few);
  report("one query a batch, batches of 100", {dsn, "bench_queries", 1, 100}, few / 100);
  const auto idle = bench::run_idle(dsn, 100);
  fmt::print(
      "a hundred projections: all run {:.2f} s after the start; their processes have {:.1f} MiB of their own, {:.1f} "
      "MiB PSS; the host {:.1f} MiB PSS\n",
      idle.start_seconds, idle.private_mib, idle.pss_mib, idle.host_pss_mib);
  const auto gaps = bench::replace_plugin(fill(server, 1000), options.replacements);
  fmt::print("a replaced plugin commits nothing for: p50 {:.0f} ms, p95 {:.0f} ms, max {:.0f} ms, of {} replacements\n",
             bench::percentile(gaps, 0.5), bench::percentile(gaps, 0.95), gaps.back(), gaps.size());
}

void run(const Options& options) {
  const auto wanted = [&](const char* part) { return options.only.empty() || options.only == part; };
  if (wanted("rates")) {
    measure_rates(options);
  }
  if (wanted("processes")) {
    measure_processes(options);
  }
  if (wanted("drops")) {
    measure_drops(options);
  }
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Measures the host beside what it could be at best, in one run on one machine. A goal that is not held is "
      "printed as such; the exit code tells only whether everything could be measured.");
  Options options;
  app.add_option("--events", options.events, "Events of the no-op rows")->capture_default_str();
  app.add_option("--upserts", options.upserts, "Events of the upsert row")->capture_default_str();
  app.add_option("--runs", options.runs, "Runs of each, an odd number")->capture_default_str();
  app.add_option("--live", options.live, "Projections beside which files are dropped")->capture_default_str();
  app.add_option("--drops", options.drops, "Dropped files, at most 999")
      ->capture_default_str()
      ->check(CLI::Range(1, 999));
  app.add_option("--replacements", options.replacements, "Replacements of one plugin")->capture_default_str();
  app.add_option("--only", options.only, "rates, processes or drops")
      ->check(CLI::IsMember({"rates", "processes", "drops"}));
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
