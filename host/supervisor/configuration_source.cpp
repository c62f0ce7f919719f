#include "supervisor/configuration_source.hpp"

#include "config/restart_keys.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace projector::supervisor {
ConfigurationSource::ConfigurationSource(std::filesystem::path main_file, config::Overrides overrides,
                                         const std::filesystem::path& state)
    : main_file_(std::move(main_file)), overrides_(std::move(overrides)), last_good_(state), watch_(main_file_) {}

std::optional<ConfigurationSource> ConfigurationSource::open(std::filesystem::path main_file,
                                                             config::Overrides overrides,
                                                             std::vector<config::Problem>& problems) {
  auto first = config::load_with_last_good(main_file, overrides);
  if (!first.configuration) {
    problems = std::move(first.main_problems);
    return std::nullopt;
  }
  ConfigurationSource source(std::move(main_file), std::move(overrides), first.state);
  // Loaded again, since the watch would miss a change during the first load.
  source.loaded_ = source.load();
  if (!source.loaded_.configuration) {
    problems = std::move(source.loaded_.main_problems);
    return std::nullopt;
  }
  source.not_kept_ = source.last_good_.keep(source.loaded_);
  return source;
}

config::Loaded ConfigurationSource::load() {
  watch_.before_load();
  auto loaded = config::load(main_file_, overrides_, &last_good_);
  watch_.after_load(loaded.sources);
  return loaded;
}

std::map<std::string, std::string> ConfigurationSource::refused() const {
  std::map<std::string, std::string> refused;
  for (const auto& file : loaded_.refused) {
    for (const auto& name : file.projections) {
      if (!get().projections.contains(name)) {
        refused.emplace(name, config::to_string(file.problems));
      }
    }
  }
  return refused;
}

std::map<std::string, std::string> ConfigurationSource::refused_names() const {
  auto names = refused();
  for (const auto& file : loaded_.refused) {
    for (const auto& plugin : file.plugins) {
      if (!file.last_good) {
        names.emplace(plugin, config::to_string(file.problems));
      }
    }
  }
  return names;
}

std::optional<config::Loaded> ConfigurationSource::read_again() {
  auto loaded = load();
  if (!loaded.configuration) {
    for (const auto& problem : loaded.main_problems) {
      spdlog::error("{}", config::to_string(problem));
    }
    spdlog::error("the configuration is refused as a whole; all projections go on as before");
    return std::nullopt;
  }
  for (const auto& key : config::restart_keys(get(), *loaded.configuration)) {
    spdlog::warn("{} has changed: it takes effect when the host is started again", key);
  }
  if (get().log_level != loaded.configuration->log_level) {
    spdlog::set_level(spdlog::level::from_str(loaded.configuration->log_level));
  }
  not_kept_ = last_good_.keep(loaded);
  loaded.configuration->worker = get().worker;
  loaded.configuration->plugins.state = get().plugins.state;
  return loaded;
}

void ConfigurationSource::take(config::Loaded loaded) {
  loaded_ = std::move(loaded);
  report();
}

void ConfigurationSource::report() {
  std::set<std::string> reported;
  const auto once = [&](spdlog::level::level_enum level, std::string text) {
    if (!reported_.contains(text)) {
      spdlog::log(level, "{}", text);
    }
    reported.insert(std::move(text));
  };
  for (const auto& file : loaded_.refused) {
    once(spdlog::level::err, fmt::format("{} ({})", config::to_string(file.problems),
                                         file.last_good ? "this file is refused, its last good version stays in use"
                                                        : "this file is refused, the others are used"));
  }
  for (const auto& warning : loaded_.warnings) {
    once(spdlog::level::warn, config::to_string(warning));
  }
  for (const auto& problem : not_kept_) {
    once(spdlog::level::warn, problem);
  }
  reported_ = std::move(reported);
}

void ConfigurationSource::remark(std::vector<projection::WorkerStatus>& statuses) const {
  const auto refused = this->refused();
  std::set<std::string> shown;
  for (auto& status : statuses) {
    shown.insert(status.projection);
    std::string remark;
    if (const auto* file = config::last_good_source(loaded_, status.projection)) {
      remark =
          "its configuration file is refused, the last good version stays in use: " + config::to_string(file->problems);
    } else if (const auto first = refused.find(status.projection); first != refused.end()) {
      remark = "its configuration file is refused, the projection keeps running without that file: " + first->second;
    }
    status.reason += (status.reason.empty() || remark.empty() ? "" : "; ") + remark;
  }
  for (const auto& [name, reason] : refused) {
    if (!shown.contains(name)) {
      projection::WorkerStatus status;
      status.projection = status.checkpoint = name;
      status.state = projection::State::Refused;
      status.reason = reason;
      statuses.push_back(std::move(status));
    }
  }
}

} // namespace projector::supervisor
