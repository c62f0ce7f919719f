#include "supervisor/configuration_findings.hpp"
#include "supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace projector::supervisor {
namespace {

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(file, error));
}

/// Why plugins get no directory for files of their own; empty if they do.
std::string state_finding(const std::filesystem::path& state) {
  std::error_code error;
  std::filesystem::create_directories(state, error);
  if (!error && ::access(state.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  return error
             ? fmt::format("plugins.state: {} cannot be used: {}; plugins get no directory for files of their own, and "
                           "last good versions of included files are not kept: let uid {} write there, or set "
                           "plugins.state to another directory",
                           state.string(), error.message(), ::geteuid())
             : "";
}

} // namespace

/// Each report delays the scan further, up to a limit, so that a file that is being written is read only once, when it
/// is complete.
void Supervisor::settle_reports() {
  const auto now = base::Clock::now();
  first_report_ = first_report_.value_or(now);
  scan_at_ = std::min(now + options_.settle, *first_report_ + options_.settle_most);
}

void Supervisor::keep_unreadable(Discovery& discovery) {
  for (const auto& directory : discovery.unreadable) {
    if (reported_.insert(directory).second) {
      spdlog::warn("plugin directory {}; projections that run from it go on", directory);
    }
    for (const auto& [name, hosted] : hosted_) {
      const auto now = hosted.current();
      const auto& plugin = now.requested.plugin;
      if (now.running && directory.starts_with(plugin->file.parent_path().string() + ": ")) {
        discovery.plugins.try_emplace(plugin->name, *plugin);
      }
    }
  }
}

bool Supervisor::keep_absent(Discovery& discovery) {
  const auto now = base::Clock::now();
  std::map<std::string, base::TimePoint> absent;
  for (const auto& [name, hosted] : hosted_) {
    const auto running = hosted.current();
    if (!running.running) {
      continue;
    }
    const auto& plugin = *running.requested.plugin;
    const auto found = discovery.plugins.find(plugin.name);
    if ((found != discovery.plugins.end() && found->second.file == plugin.file) || is_there(plugin.file)) {
      continue;
    }
    const auto since = absent_since_.find(name);
    absent[name] = since == absent_since_.end() ? now : since->second;
    if (now - absent[name] < options_.absent) {
      discovery.plugins.insert_or_assign(plugin.name, plugin);
    }
  }
  absent_since_ = std::move(absent);
  return !absent_since_.empty();
}

void Supervisor::report_shadowed(const Discovery& discovery) {
  for (const auto& file : discovery.ignored) {
    if (reported_.insert(file.string() + " is ignored").second) {
      spdlog::warn("{}", ignored_file(file));
    }
  }
  for (const auto& [name, plugin] : discovery.plugins) {
    for (const auto& file : plugin.shadowed) {
      if (reported_.insert(file.string() + " behind " + plugin.file.string()).second) {
        spdlog::warn("{} is shadowed by {}, whose directory comes first; remove one of them", file.string(),
                     plugin.file.string());
      }
    }
  }
}

void Supervisor::report_findings(const Discovery& discovery) {
  std::set<std::string> findings;
  auto found = configuration_findings(configuration_.loaded(), options_.selection, discovery);
  if (auto state = state_finding(configuration_.get().plugins.state); !state.empty()) {
    found.push_back(std::move(state));
  }
  for (auto& finding : found) {
    if (!findings_.contains(finding)) {
      spdlog::warn("{}", finding);
    }
    findings.insert(std::move(finding));
  }
  findings_ = std::move(findings);
}

std::set<std::string> Supervisor::remember_names(const Discovery& discovery) {
  named_.remember(configuration_.get());
  std::set<std::string> refused;
  for (const auto& [name, reason] : configuration_.refused_names()) {
    // A projection that runs without a file goes on if its first file is refused.
    const auto hosted = hosted_.find(name);
    if (hosted == hosted_.end() || !hosted->second.current().running) {
      refused.insert(name);
      named_.remember_refused(name, fmt::format("a file that was refused names it: {}", reason));
    }
  }
  for (const auto& note : not_autostarted(configuration_.get(), discovery, named_)) {
    if (reported_.insert(note).second) {
      spdlog::info("{}", note);
    }
  }
  return refused;
}

void Supervisor::watch_directories() {
  const auto& directories = configuration_.get().plugins.directories;
  auto watched = configuration_.watch().directories();
  watched.insert(directories.begin(), directories.end());
  watch_.watch(watched, configuration_.watch().files());
  if (watch_.trouble() && reported_.insert(*watch_.trouble()).second) {
    spdlog::warn("{}", *watch_.trouble());
  }
}

} // namespace projector::supervisor
