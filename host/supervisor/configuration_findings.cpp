#include "supervisor/configuration_findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;
using Findings = std::vector<std::string>;

/// Names of projections, including those in refused files.
std::set<std::string> known_names(const config::Loaded& loaded, const Discovery& discovery) {
  std::set<std::string> names;
  for (const auto& [name, projection] : loaded.configuration->projections) {
    names.insert(name);
  }
  for (const auto& file : loaded.refused) {
    names.insert(file.projections.begin(), file.projections.end());
  }
  for (const auto& [name, plugin] : discovery.plugins) {
    if (plugin.autostart) {
      names.insert(name);
    }
  }
  return names;
}

void find_unknown(const char* option, const std::set<std::string>& picked, const std::set<std::string>& known,
                  Findings& findings) {
  for (const auto& name : picked) {
    if (!known.contains(name)) {
      findings.push_back(fmt::format("{} {}: no projection has this name; {}", option, name,
                                     known.empty() ? "there is no projection at all"
                                                   : fmt::format("there are: {}", fmt::join(known, ", "))));
    }
  }
}

void find_absent(const config::Loaded& loaded, Findings& findings) {
  const auto& plugins = loaded.configuration->plugins;
  for (const auto& directory : plugins.directories) {
    std::error_code error;
    const bool named = std::find(plugins.built_in.begin(), plugins.built_in.end(), directory) == plugins.built_in.end();
    if (named && !fs::exists(directory, error) && !error) {
      findings.push_back(fmt::format("plugin directory {} is not there: make it, or take it out of plugins.directories "
                                     "or --plugin-dir",
                                     directory.string()));
    }
  }
  for (const auto& pattern : loaded.sources.patterns) {
    std::error_code error;
    const auto file = loaded.sources.main_file.parent_path() / pattern;
    if (pattern.string().find_first_of("*?[") == std::string::npos && !fs::exists(file, error) && !error) {
      findings.push_back(fmt::format("{} includes {}, which is not there: write the file, or take it out of include",
                                     loaded.sources.main_file.string(), file.string()));
    }
  }
}

/// `sticky_is_fine`: in a directory like /tmp users cannot replace each other's files, but all can add files.
void find_writable(const fs::path& path, bool sticky_is_fine, Findings& findings) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0 &&
      !(sticky_is_fine && (status.st_mode & S_ISVTX) != 0)) {
    findings.push_back(fmt::format("{} can be written by anybody (mode {:04o}), who could change what this host runs: "
                                   "run chmod o-w on it",
                                   path.string(), status.st_mode & 07777U));
  }
}

void find_writable(const config::SourceFiles& sources, Findings& findings) {
  std::set<fs::path> files(sources.files.begin(), sources.files.end());
  files.insert(sources.main_file);
  std::set<fs::path> open(sources.directories.begin(), sources.directories.end());
  std::set<fs::path> closed;
  for (const auto& file : files) {
    find_writable(file, false, findings);
    const auto parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
    if (!open.contains(parent)) {
      closed.insert(parent);
    }
  }
  for (const auto& directory : open) {
    find_writable(directory, false, findings);
  }
  for (const auto& directory : closed) {
    find_writable(directory, true, findings);
  }
}

} // namespace

std::vector<std::string> selection_findings(const config::Loaded& loaded, const Selection& selection,
                                            const Discovery& discovery) {
  Findings findings;
  const auto known = known_names(loaded, discovery);
  find_unknown("--only", selection.only, known, findings);
  find_unknown("--except", selection.except, known, findings);
  return findings;
}

std::vector<std::string> configuration_findings(const config::Loaded& loaded, const Selection& selection,
                                                const Discovery& discovery) {
  Findings findings = selection_findings(loaded, selection, discovery);
  find_absent(loaded, findings);
  find_writable(loaded.sources, findings);
  return findings;
}

} // namespace projector::supervisor
