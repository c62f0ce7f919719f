#include "host_model.hpp"

#include <fmt/format.h>

namespace projector::test::model {
namespace {

bool is_number(const std::string& toml) {
  return !toml.empty() && toml.front() != '"';
}

} // namespace

std::string refusal(const Configuration& configuration, const PluginFile& file) {
  switch (file.fault) {
  case PluginFile::Fault::NotElf:
    return "is not an ELF file";
  case PluginFile::Fault::Truncated:
    return "reach";
  case PluginFile::Fault::Writable:
    return "chmod";
  case PluginFile::Fault::OtherName:
    return "the name is";
  default:
    break;
  }
  if (file.takes_position && configuration.position.empty()) {
    return "position is absent";
  }
  if (!file.takes_position && !configuration.position.empty()) {
    return "has no such setting";
  }
  return file.takes_position && !is_number(configuration.position) ? "position: found" : "";
}

std::string failure(const PluginFile& file) {
  switch (file.fault) {
  case PluginFile::Fault::Create:
    return "no route to the";
  case PluginFile::Fault::Setup:
  case PluginFile::Fault::Commit:
    return "a row of a bad version";
  case PluginFile::Fault::Handle:
    return "this version is broken";
  default:
    return "";
  }
}

void HostModel::Projection::end() {
  running.reset();
  failed_attempt.reset();
  missing = false;
}

void HostModel::start(const Disk& disk) {
  projections_.clear();
  gone_back_.clear();
  left_.clear();
  named_.clear();
  for (const auto& [name, stored] : stored_) {
    if (stored.plugin != name || !stored.autostarted) {
      named_.insert({name, stored.plugin});
    }
  }
  look(disk);
}

/// What a table says is remembered; what a file with errors says, of that which does not run anyway.
void HostModel::remember_names() {
  for (const auto& [name, included] : included_) {
    if (included.good) {
      named_.insert({name, included.good->plugin});
      continue;
    }
    for (const auto& mentioned : {name, included.plugin}) {
      if (!runs(mentioned)) {
        named_.insert(mentioned);
      }
    }
  }
}

/// Its workers open the checkpoint.
void HostModel::take(const std::string& name, const Generation& generation) {
  stored_[name] = {generation.made_of.configuration.plugin, generation.autostarted};
}

void HostModel::load(const Disk& disk) {
  if (disk.main_broken) {
    return;
  }
  std::erase_if(included_, [&](const auto& entry) { return !disk.projections.contains(entry.first); });
  for (const auto& [name, file] : disk.projections) {
    Included& included = included_[name];
    included.plugin = file.configuration.plugin;
    included.errors = file.fault != ProjectionFile::Fault::None;
    if (!included.errors) {
      included.good = file.configuration;
    }
  }
}

bool HostModel::runs(const std::string& name) const {
  const auto known = projections_.find(name);
  return known != projections_.end() && known->second.running;
}

std::map<std::string, Configuration> HostModel::desired(const Disk& disk) const {
  std::map<std::string, Configuration> desired;
  Names named;
  for (const auto& [name, included] : included_) {
    if (!included.good && runs(name)) {
      continue;
    }
    named.insert(name);
    if (included.good) {
      named.insert(included.good->plugin);
      if (included.good->enabled) {
        desired.emplace(name, *included.good);
      }
    }
  }
  for (const auto& [plugin, file] : disk.plugins) {
    if (!named.contains(plugin) && !named_.contains(plugin)) {
      Configuration configuration;
      configuration.plugin = plugin;
      desired.emplace(plugin, configuration);
    }
  }
  return desired;
}

HostModel::Names HostModel::look(const Disk& disk) {
  load(disk);
  remember_names();
  const auto wanted = desired(disk);
  Names moved;
  for (auto& [name, projection] : projections_) {
    if (!wanted.contains(name)) {
      moved.insert(name);
      projection.end();
    }
  }
  for (const auto& [name, configuration] : wanted) {
    Projection& projection = projections_[name];
    const auto file = disk.plugins.find(configuration.plugin);
    if (file == disk.plugins.end()) {
      moved.insert(name);
      projection.end();
      projection.missing = true;
    } else if (attempt(name, projection, {configuration, file->second},
                       !included_.contains(name) || !included_.at(name).good)) {
      moved.insert(name);
    }
  }
  remember_names(); // of what has ended meanwhile, too
  return moved;
}

/// True where workers ended or started.
bool HostModel::attempt(const std::string& name, Projection& projection, const Attempt& attempt, bool autostarted) {
  auto& running = projection.running;
  projection.missing = false;
  if (running && running->made_of == attempt) {
    projection.failed_attempt.reset();
    return false;
  }
  if (projection.failed_attempt == attempt) {
    return false;
  }
  projection.failed_attempt.reset();
  const auto fail = [&](const std::string& why) {
    projection.failed_attempt = attempt;
    projection.failed_why = why;
  };
  if (const std::string why = refusal(attempt.configuration, attempt.file); !why.empty()) {
    fail(why);
    return false;
  }
  const Generation next{++projection.numbers, attempt, failure(attempt.file), autostarted};
  const bool trial = running && running->failure.empty();
  if (trial && !next.failure.empty()) {
    fail(next.failure);
    gone_back_.push_back(fmt::format("{}: generation {} failed before its first commit, going back to generation {}",
                                     name, next.number, running->number));
    take(name, *running);
    return true;
  }
  if (trial) {
    left_.push_back(fmt::format("{}: the copy of generation {} is removed", name, running->number));
  }
  running = next;
  take(name, next);
  return true;
}

std::map<std::string, Shown> HostModel::shown() const {
  std::map<std::string, Shown> all;
  for (const auto& [name, projection] : projections_) {
    if (projection.running || projection.failed_attempt || projection.missing) {
      all[name] = shown(projection);
    }
  }
  for (const auto& [name, included] : included_) {
    const auto known = all.find(name);
    if (!included.good && runs(name)) {
      auto& reason = known->second.reason;
      reason.insert(reason.end(),
                    {"its configuration file is refused, the projection keeps running without that file: ", name});
    } else if (!included.good) {
      all[name] = {Shown::State::Refused, "", 0, {"", name + ".toml:"}};
    } else if (included.errors && known != all.end()) {
      auto& reason = known->second.reason;
      reason.insert(reason.end(), {"its configuration file is refused, the last good version stays in use: ", name});
    }
  }
  return all;
}

Shown HostModel::shown(const Projection& projection) {
  Shown shown;
  if (projection.running) {
    const Generation& running = *projection.running;
    shown = {Shown::State::Runs, running.made_of.file.version, running.number, {}};
    if (!running.failure.empty()) {
      shown.state = Shown::State::Failed;
      shown.reason = {"", running.failure};
    }
    if (projection.failed_attempt) {
      shown.reason.push_back(fmt::format("generation {} {}: ", running.number,
                                         running.failure.empty() ? "keeps running" : "is not replaced"));
      shown.reason.push_back(projection.failed_why);
    }
  } else if (projection.missing) {
    shown = {Shown::State::Missing, "", 0, {"no plugin directory holds"}};
  } else {
    shown = {Shown::State::Refused, "", 0, {"", projection.failed_why}};
  }
  return shown;
}

} // namespace projector::test::model
