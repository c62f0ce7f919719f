#include "measure.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace projector::bench {
namespace {

/// The time of day, in seconds, of the first line that holds `text`.
double time_of(const std::string& log, const std::string& text) {
  const auto found = log.find(text);
  if (found == std::string::npos) {
    throw std::runtime_error("the host's log lacks \"" + text + "\":\n" + log);
  }
  const auto line = log.rfind('\n', found);
  int hours = 0;
  int minutes = 0;
  double seconds = 0;
  const char* time = log.c_str() + (line == std::string::npos ? 0 : line + 1);
  if (std::sscanf(time, "%*d-%*d-%*d %d:%d:%lf", &hours, &minutes, &seconds) != 3) {
    throw std::runtime_error("a line of the host's log begins without a time: " + std::string(time, 40));
  }
  return hours * 3600.0 + minutes * 60.0 + seconds;
}

} // namespace

double host_seconds(const Run& run) {
  test::query_value(run.dsn, "DROP TABLE IF EXISTS projector_projections, projector_checkpoints, projector_workers, "
                             "projector_stores, projection_checkpoints, bench_upserts");
  test::HostProcess host(run.dsn);
  host.install_file(fmt::format("{}/{}.so", PROJECTOR_BENCH_PLUGIN_DIR, run.plugin), run.plugin);
  std::string tables;
  for (std::uint32_t index = 0; index < run.projections; ++index) {
    tables += fmt::format("[projection.bench{}]\nplugin = \"{}\"\nbatch_size = {}\ncheckpoint_interval = \"10ms\"\n",
                          index, run.plugin, run.batch_size);
  }
  host.write_projection_file("bench", tables);
  if (host.run({"--until-caught-up", "--timeout", "600s"}) != 0) {
    throw std::runtime_error("the host failed:\n" + host.log());
  }
  const double seconds = time_of(host.log(), "stopping:") - time_of(host.log(), ": runs ");
  return seconds < 0 ? seconds + 86400 : seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

} // namespace projector::bench
