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

/// The names in the [projection.NAME] lines of a text that is not TOML.
std::vector<std::string> names_in_headers(std::string_view text) {
  std::set<std::string> names;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t' || c == '"'; }),
               line.end());
    constexpr std::string_view kHeader = "[projection.";
    if (line.compare(0, kHeader.size(), kHeader) == 0) {
      const std::string name =
          line.substr(kHeader.size(), line.find_first_of(".]#\r", kHeader.size()) - kHeader.size());
      if (projection_name_fault(name).empty()) {
        names.insert(name);
      }
    }
  }
  return {names.begin(), names.end()};
}

std::string table_name(const std::string& projection) {
  return "projection." + (projection_name_fault(projection).empty() ? projection : quote(projection));
}

/// Whether a value right below [projection] is a key that is short of a NAME, rather than a projection.
bool is_key(const Value& value) {
  return value.kind != Value::Kind::Table && value.kind != Value::Kind::Array;
}

/// The k in BASE_pK, and BASE.
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

ProjectionSet::ProjectionSet(const std::filesystem::path& main_file, std::uint32_t partitions, Loaded& loaded)
    : main_file_(main_file), loaded_(loaded) {
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

void ProjectionSet::read_included(const std::filesystem::path& path, const std::filesystem::path& base) {
  RefusedFile& file = included_files_[path.string()];
  file.file = path;
  const FileText text = read_file(path);
  if (!text.fault.empty()) {
    file.problems.push_back({{path.string()}, text.fault});
    return;
  }
  const Document document = parse_toml(text.text, path.string());
  if (document.syntax_error) {
    file.problems.push_back(*document.syntax_error);
    file.projections = names_in_headers(text.text);
    return;
  }
  for (const Member& member : document.root->members) {
    if (member.key == "projection") {
      read_included_projections(member.value, base, file);
    } else {
      const bool table = member.value.kind == Value::Kind::Table;
      file.problems.push_back(
          {member.where, fmt::format("found the {} {}; an included file holds nothing but "
                                     "[projection.NAME] tables: move it to {}",
                                     table ? "table" : "key", quote(member.key), main_file_.string())});
    }
  }
}

void ProjectionSet::read_included_projections(const Value& projections, const std::filesystem::path& base,
                                              RefusedFile& file) {
  if (projections.kind != Value::Kind::Table) {
    return Field{projections, "projection", base, file.problems}.refuse("tables [projection.NAME]",
                                                                        describe_kind(projections));
  }
  for (const Member& member : projections.members) {
    if (is_key(member.value)) {
      file.problems.push_back(unknown_key(member, "projection"));
      continue;
    }
    const std::string fault = projection_name_fault(member.key);
    ProjectionDraft draft = make_draft(member.key, member.value.where);
    read_projection_table(member.value, table_name(member.key), base, draft, file.problems);
    if (!fault.empty()) {
      file.problems.push_back({member.where, fault});
      continue;
    }
    file.projections.push_back(member.key);
    const auto [known, first] = included_names_.emplace(member.key, member.value.where);
    if (first) {
      drafts_.emplace(member.key, std::move(draft));
    } else {
      loaded_.main_problems.push_back(
          {member.value.where, fmt::format("[projection.{}] is in two included files, here and at {}; remove or rename "
                                           "one of them",
                                           member.key, to_string(known->second))});
    }
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

void ProjectionSet::check_backoff(const ProjectionDraft& draft, const std::string& table) {
  const Projection& projection = draft.projection;
  const auto first = draft.origins.find("retry_backoff");
  const auto longest = draft.origins.find("retry_backoff_max");
  if (draft.refused || defaults_.refused || projection.retry_backoff <= projection.retry_backoff_max ||
      (first == draft.origins.end() && longest == draft.origins.end())) {
    return; // good, or the fault of [defaults], which is told once
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
    // Told at the side that chose the name, else at the second one.
    const bool chosen = other.origins.count("checkpoint") > 0 || one.origins.count("checkpoint") == 0;
    const ProjectionDraft& blamed = chosen ? other : one;
    const ProjectionDraft& kept = chosen ? one : other;
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
           fmt::format("{}.partitions is {} but worker.total is {}: {} of the workers run nothing of it", table,
                       draft.projection.partitions, worker.total, worker.total - draft.projection.partitions)});
    }
  };
  check(defaults_, "defaults");
  for (const auto& [name, draft] : drafts_) {
    check(draft, table_name(name));
  }
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
  for (auto& [path, file] : included_files_) {
    if (file.problems.empty()) {
      continue;
    }
    std::stable_sort(file.problems.begin(), file.problems.end(), [](const Problem& a, const Problem& b) {
      return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    });
    for (const std::string& name : file.projections) {
      drafts_.erase(name); // what the main file says about it cannot stand alone
    }
    loaded_.refused.push_back(file);
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
