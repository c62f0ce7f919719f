#include "config/projection_set.hpp"

#include "config/include.hpp"
#include "config/toml_reader.hpp"
#include "config/units.hpp"
#include "config/unknown_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

namespace projector::config {
namespace {

std::string table_name(const std::string& projection) {
  return "projection." + (projection_name_fault(projection).empty() ? projection : quote(projection));
}

/// Whether a value directly in [projection] is a key that lacks its NAME, and not a projection.
bool is_key(const Value& value) {
  return value.kind != Value::Kind::Table && value.kind != Value::Kind::Array;
}

/// BASE and k of BASE_pK.
std::optional<std::pair<std::string, std::uint32_t>> split_partition(const std::string& checkpoint) {
  const std::size_t p = checkpoint.rfind("_p");
  std::uint32_t k = 0;
  if (p == std::string::npos || p == 0) {
    return std::nullopt;
  }
  const char* end = checkpoint.data() + checkpoint.size();
  const auto [at, error] = std::from_chars(checkpoint.data() + p + 2, end, k);
  const bool same = error == std::errc{} && at == end && std::to_string(k) == checkpoint.substr(p + 2);
  return same ? std::optional(std::pair(checkpoint.substr(0, p), k)) : std::nullopt;
}

} // namespace

ProjectionSet::ProjectionSet(const std::filesystem::path& main_file, std::uint32_t partitions, bool prefer_known_good,
                             Loaded& loaded)
    : main_file_(main_file), prefer_known_good_(prefer_known_good), loaded_(loaded) {
  defaults_.projection.partitions = partitions;
}

void ProjectionSet::read_defaults(const Value& layer, const std::filesystem::path& base) {
  if (const Value* table = find(layer, "defaults")) {
    if (defaults_.projection.where.file.empty()) {
      defaults_.projection.where = table->where;
    }
    read_projection_table(*table, "defaults", base, defaults_, loaded_.main_problems);
  }
}

ProjectionDraft ProjectionSet::make_draft(const std::string& name, const Location& where) const {
  ProjectionDraft draft;
  draft.projection = defaults_.projection;
  draft.projection.name = name;
  draft.projection.plugin = name;
  draft.projection.where = where;
  return draft;
}

void ProjectionSet::read_included(const IncludedFile& file, const std::filesystem::path& base) {
  Read& read = included_files_.emplace(file.shown, Read{&file, {}, {}}).first->second;
  if (file.document.syntax_error) {
    read.problems.push_back(*file.document.syntax_error);
    read.projections = file.headers;
    return;
  }
  for (const Member& member : file.document.root->members) {
    if (member.key == "projection") {
      read_included_projections(member.value, base, read);
    } else {
      const bool table = member.value.kind == Value::Kind::Table;
      read.problems.push_back(
          {member.where, fmt::format("found the {} {}; an included file may contain only "
                                     "[projection.NAME] tables: move it to {}",
                                     table ? "table" : "key", quote(member.key), main_file_.string())});
    }
  }
}

void ProjectionSet::read_included_projections(const Value& projections, const std::filesystem::path& base, Read& read) {
  if (projections.kind != Value::Kind::Table) {
    return Field{projections, "projection", base, read.problems}.refuse("tables [projection.NAME]",
                                                                        describe_kind(projections));
  }
  for (const Member& member : projections.members) {
    if (is_key(member.value)) {
      read.problems.push_back(unknown_key(member, "projection"));
      continue;
    }
    const std::string fault = projection_name_fault(member.key);
    ProjectionDraft draft = make_draft(member.key, member.value.where);
    read_projection_table(member.value, table_name(member.key), base, draft, read.problems);
    if (!fault.empty()) {
      read.problems.push_back({member.where, fault});
      continue;
    }
    read.projections.push_back(member.key);
    if (included_names_.emplace(member.key, member.value.where).second) {
      drafts_.emplace(member.key, std::move(draft));
    } else {
      refuse_second(member.key, std::move(draft), read);
    }
  }
}

void ProjectionSet::refuse_second(const std::string& name, ProjectionDraft draft, Read& second) {
  Location& known = included_names_.at(name);
  const Location here = draft.projection.where;
  const auto problem = [&](const Location& where, const Location& other) {
    return Problem{where,
                   fmt::format("[projection.{}] is in two included files, here and at {}; remove or rename one of them",
                               name, to_string(other))};
  };
  if (is_known_good(known) == is_known_good(here)) {
    loaded_.main_problems.push_back(problem(here, known));
  } else if (is_known_good(known)) {
    second.problems.push_back(problem(here, known));
  } else {
    problems_at(known).push_back(problem(known, here));
    drafts_.at(name) = std::move(draft);
    known = here;
  }
}

void ProjectionSet::read_main(const Value& layer, const std::filesystem::path& base) {
  const Value* projections = find(layer, "projection");
  if (projections == nullptr) {
    return;
  }
  Problems& problems = loaded_.main_problems;
  if (projections->kind != Value::Kind::Table) {
    return Field{*projections, "projection", base, problems}.refuse("tables [projection.NAME]",
                                                                    describe_kind(*projections));
  }
  for (const Member& member : projections->members) {
    if (is_key(member.value)) {
      problems.push_back(unknown_key(member, "projection"));
      continue;
    }
    if (const std::string fault = projection_name_fault(member.key); !fault.empty()) {
      problems.push_back({member.where, fault});
    }
    const auto draft = drafts_.try_emplace(member.key, make_draft(member.key, member.value.where)).first;
    read_projection_table(member.value, table_name(member.key), base, draft->second, problems);
  }
}

Problems& ProjectionSet::problems_at(const Location& where) {
  const auto file = included_files_.find(where.file);
  return file == included_files_.end() ? loaded_.main_problems : file->second.problems;
}

bool ProjectionSet::is_known_good(const Location& where) const {
  const auto file = included_files_.find(where.file);
  return prefer_known_good_ && (file == included_files_.end() || file->second.file->known_good);
}

void ProjectionSet::check_backoff(const ProjectionDraft& draft, const std::string& table) {
  const Projection& projection = draft.projection;
  const auto first = draft.origins.find("retry_backoff");
  const auto longest = draft.origins.find("retry_backoff_max");
  if (draft.refused || defaults_.refused || projection.retry_backoff <= projection.retry_backoff_max ||
      (first == draft.origins.end() && longest == draft.origins.end())) {
    return; // valid, or a problem of [defaults], which is reported once
  }
  const Location& where = first == draft.origins.end() ? longest->second : first->second;
  problems_at(where).push_back(
      {where,
       fmt::format("{}.retry_backoff is {}, longer than retry_backoff_max, which is {}; "
                   "lower the one or raise the other",
                   table, format_duration(projection.retry_backoff), format_duration(projection.retry_backoff_max))});
}

void ProjectionSet::check_checkpoints() {
  std::map<std::string, const ProjectionDraft*> owners;
  const auto where = [](const ProjectionDraft& draft) {
    const auto given = draft.origins.find("checkpoint");
    return given == draft.origins.end() ? draft.projection.where : given->second;
  };
  const auto clash = [&](const ProjectionDraft& one, const ProjectionDraft& other, const std::string& what) {
    // Reported for the side that is not known to be good, else for the one that set the key, else for the second one.
    const bool chosen = other.origins.count("checkpoint") > 0 || one.origins.count("checkpoint") == 0;
    const bool known_good = is_known_good(where(other));
    const bool is_other = known_good == is_known_good(where(one)) ? chosen : !known_good;
    const ProjectionDraft& blamed = is_other ? other : one;
    const ProjectionDraft& kept = is_other ? one : other;
    const Location at = where(blamed);
    problems_at(at).push_back(
        {at, fmt::format("the projections {} and {} ({}) have the same checkpoint, {}; give one of "
                         "them another checkpoint",
                         blamed.projection.name, kept.projection.name, to_string(where(kept)), quote(what))});
  };
  for (const auto& [name, draft] : drafts_) {
    const auto [owner, first] = owners.emplace(draft.projection.checkpoint, &draft);
    if (!first) {
      clash(*owner->second, draft, draft.projection.checkpoint);
    }
  }
  for (const auto& [name, draft] : drafts_) {
    const auto split = split_partition(draft.projection.checkpoint);
    const auto owner = split && draft.projection.partitions == 1 ? owners.find(split->first) : owners.end();
    if (owner != owners.end() && split->second < owner->second->projection.partitions &&
        owner->second->projection.partitions > 1) {
      clash(*owner->second, draft, draft.projection.checkpoint);
    }
  }
}

void ProjectionSet::check_workers(const WorkerShare& worker) {
  const auto check = [&](const ProjectionDraft& draft, const std::string& table) {
    const auto given = draft.origins.find("partitions");
    if (given != draft.origins.end() && draft.projection.partitions < worker.total) {
      loaded_.warnings.push_back(
          {given->second,
           fmt::format("{}.partitions is {} but worker.total is {}: {} of the workers run no partition of it", table,
                       draft.projection.partitions, worker.total, worker.total - draft.projection.partitions)});
    }
  };
  check(defaults_, "defaults");
  for (const auto& [name, draft] : drafts_) {
    check(draft, table_name(name));
  }
}

std::set<std::filesystem::path> ProjectionSet::faulty_files() const {
  std::set<std::filesystem::path> files;
  for (const auto& [shown, read] : included_files_) {
    if (!read.problems.empty()) {
      files.insert(read.file->path);
    }
  }
  return files;
}

void ProjectionSet::refuse(const Read& read) {
  RefusedFile refused;
  refused.file = read.file->path;
  refused.last_good = read.problems.empty();
  refused.problems = refused.last_good ? read.file->refusal : read.problems;
  std::stable_sort(refused.problems.begin(), refused.problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
  });
  refused.plugins = read.file->plugins;
  const auto take_out = [&](const std::vector<std::string>& names, bool stands) {
    for (const std::string& name : names) {
      const auto defined = included_names_.find(name);
      const bool here = defined != included_names_.end() && defined->second.file == read.file->shown;
      if (defined != included_names_.end() && !here) {
        continue; // it belongs to another file, where it is valid
      }
      if (!here || !stands) {
        drafts_.erase(name); // the main file's keys for it are not enough without this file
      }
      if (std::find(refused.projections.begin(), refused.projections.end(), name) == refused.projections.end()) {
        refused.projections.push_back(name);
      }
    }
  };
  take_out(read.projections, refused.last_good);
  take_out(read.file->refused_projections, refused.last_good);
  loaded_.refused.push_back(std::move(refused));
}

void ProjectionSet::complete(Configuration& configuration) {
  check_backoff(defaults_, "defaults");
  for (auto& [name, draft] : drafts_) {
    if (draft.projection.checkpoint.empty()) {
      draft.projection.checkpoint = name;
    }
    check_backoff(draft, table_name(name));
  }
  check_checkpoints();
  for (const auto& [shown, read] : included_files_) {
    if (!read.problems.empty() || !read.file->refusal.empty()) {
      refuse(read);
    }
  }
  if (configuration.worker) {
    check_workers(*configuration.worker);
  }
  configuration.defaults = defaults_.projection;
  for (auto& [name, draft] : drafts_) {
    configuration.projections.emplace(name, std::move(draft.projection));
  }
}

} // namespace projector::config
