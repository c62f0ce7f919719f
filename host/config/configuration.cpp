#include "config/configuration.hpp"

#include <fmt/format.h>

#include <tuple>

namespace projector::config {

std::string to_string(const Location& where) {
  return where.line == 0 ? where.file : fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

std::string to_string(const Problem& problem) {
  const std::string where = to_string(problem.where);
  return where.empty() ? problem.text : fmt::format("{}: {}", where, problem.text);
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) {
    text += (text.empty() ? "" : "; ") + to_string(problem);
  }
  return text;
}

bool operator==(const Projection& a, const Projection& b) {
  const auto values = [](const Projection& p) {
    return std::tie(p.name, p.plugin, p.enabled, p.batch_size, p.batch_bytes, p.partitions, p.schema, p.start_from,
                    p.checkpoint, p.checkpoint_interval, p.on_error, p.rebuild, p.retry_backoff, p.retry_backoff_max,
                    p.max_retries, p.restart_interval, p.trial_time, p.handle_timeout, p.max_crashes, p.sandbox,
                    p.sandbox_read, p.sandbox_write, p.memory_max, p.nice, p.settings);
  };
  return values(a) == values(b);
}

Projection autostarted(const Configuration& configuration, const std::string& plugin) {
  Projection projection = configuration.defaults;
  projection.name = plugin;
  projection.plugin = plugin;
  projection.checkpoint = plugin;
  projection.autostarted = true;
  return projection;
}

} // namespace projector::config
