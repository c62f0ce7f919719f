#include "config/load.hpp"

#include "config/host_completion.hpp"
#include "config/include.hpp"
#include "config/included_file.hpp"
#include "config/last_good.hpp"
#include "config/override_layers.hpp"
#include "config/projection_set.hpp"
#include "config/toml_reader.hpp"
#include "config/unknown_key.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace projector::config {
namespace {

/// By line of the main file; problems without a line (options, environment) follow in the order in which they were
/// found.
void sort_by_place(Problems& problems, const std::string& main_file) {
  const auto rank = [&](const Problem& p) {
    return std::tuple(p.where.file != main_file, p.where.file != main_file ? 0 : p.where.line,
                      p.where.file != main_file ? 0 : p.where.column);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
}

/// One load. The host's own tables and the overrides are read once. The projections are assembled anew for each
/// combination of included files and last good versions that is tried.
class Load {
public:
  Load(const std::filesystem::path& main_file, const Overrides& overrides, const LastGood* last_good)
      : main_file_(main_file), overrides_(overrides), last_good_(last_good), current_(std::filesystem::current_path()),
        base_(std::filesystem::absolute(main_file).parent_path()) {}

  Loaded run() {
    Problems& problems = loaded_.main_problems;
    loaded_.sources.main_file = main_file_;
    main_ = read_main_file();
    const Value environment = environment_layer(overrides_);
    options_ = option_layers(overrides_, problems);
    if (main_) {
      check_top(*main_, true);
      read_host_tables(*main_, base_, host_, problems);
    }
    read_host_tables(environment, current_, host_, problems);
    for (const Value& option : options_) {
      check_top(option, false);
      read_host_tables(option, current_, host_, problems);
    }
    if (!main_) {
      return finish({loaded_, {}});
    }
    complete_host(host_, overrides_, main_file_, problems, loaded_.warnings);
    loaded_.state = host_.configuration.plugins.state;
    read_included_files();
    Attempt attempt = try_versions(versions_);
    if (last_good_ != nullptr && attempt.loaded.main_problems.empty()) {
      choose_last_good(attempt);
    }
    return finish(std::move(attempt));
  }

private:
  /// By index in the order of reading.
  using Versions = std::vector<const IncludedFile*>;

  struct Attempt {
    Loaded loaded;
    std::set<std::filesystem::path> faulty; ///< included files with problems of their own

    /// Files of which no version is in the configuration.
    [[nodiscard]] std::set<std::filesystem::path> left_out() const {
      std::set<std::filesystem::path> files;
      for (const RefusedFile& file : loaded.refused) {
        if (!file.last_good) {
          files.insert(file.file);
        }
      }
      return files;
    }
  };

  std::optional<Value> read_main_file() {
    const FileText file = read_file(main_file_);
    if (!file.fault.empty()) {
      loaded_.main_problems.push_back({{main_file_.string()}, file.fault});
      return std::nullopt;
    }
    Document document = parse_toml(file.text, main_file_.string());
    if (document.syntax_error) {
      loaded_.main_problems.push_back(*document.syntax_error);
    }
    return std::move(document.root);
  }

  void check_top(const Value& layer, bool may_include) {
    const auto tables = host_tables();
    for (const Member& member : layer.members) {
      const bool host = std::any_of(tables.begin(), tables.end(), [&](const auto& t) { return t.name == member.key; });
      if (member.key == "include" && !may_include) {
        loaded_.main_problems.push_back({member.where, "include can be given in the main file only"});
      } else if (!host && member.key != "defaults" && member.key != "projection" && member.key != "include") {
        loaded_.main_problems.push_back(unknown_key(member, ""));
      }
    }
  }

  void read_included_files() {
    Configuration& configuration = host_.configuration;
    configuration.files.push_back(main_file_);
    const Value* patterns = find(*main_, "include");
    if (patterns == nullptr) {
      return;
    }
    Include include = expand_include(*patterns, main_file_, loaded_.main_problems);
    for (const auto& path : include.files) {
      const auto known = last_good_ == nullptr ? std::nullopt : last_good_->text(main_file_, path);
      if (auto file = read_included_file(path, known)) {
        files_.push_back({std::move(*file), known, std::nullopt});
        configuration.files.push_back(path);
        loaded_.sources.files.push_back(path);
      }
    }
    for (const File& file : files_) {
      versions_.push_back(&file.now);
    }
    configuration.include_directories = include.directories;
    loaded_.sources.directories = std::move(include.directories);
    loaded_.sources.patterns = std::move(include.patterns);
  }

  [[nodiscard]] Attempt try_versions(const Versions& versions) const {
    Attempt attempt{loaded_, {}};
    Configuration configuration = host_.configuration;
    ProjectionSet projections(main_file_, host_.worker_total.value_or(1), last_good_ != nullptr, attempt.loaded);
    projections.read_defaults(*main_, base_);
    for (const Value& option : options_) {
      projections.read_defaults(option, current_);
    }
    for (const IncludedFile* file : versions) {
      projections.read_included(*file, base_);
    }
    projections.read_main(*main_, base_);
    for (const Value& option : options_) {
      projections.read_main(option, current_);
    }
    attempt.faulty = projections.faulty_files();
    projections.complete(configuration);
    attempt.loaded.configuration = std::move(configuration);
    return attempt;
  }

  /// Files with problems of their own come first: a file that conflicts with one of them may be valid together with its
  /// last good version.
  void choose_last_good(Attempt& best) {
    bool better = true;
    while (better) {
      better = adopt(best, candidates(best, true)) || adopt(best, candidates(best, false));
    }
  }

  /// Files that are left out of `best` and have a last good version that was not yet tried with it.
  std::vector<std::size_t> candidates(const Attempt& best, bool faulty_only) {
    std::vector<std::size_t> found;
    for (std::size_t index = 0; index < files_.size(); ++index) {
      File& file = files_[index];
      const auto refused = std::find_if(best.loaded.refused.begin(), best.loaded.refused.end(),
                                        [&](const RefusedFile& r) { return !r.last_good && r.file == file.now.path; });
      if (refused == best.loaded.refused.end() || !file.last_good || file.now.known_good ||
          (faulty_only && best.faulty.count(file.now.path) == 0)) {
        continue;
      }
      file.before = last_good_version(file.now, *file.last_good, refused->problems, refused->projections);
      found.push_back(index);
    }
    return found;
  }

  /// Uses the last good versions of as many of these files as possible: of all if that leaves out no other file, else
  /// of each half by itself. True if any is used.
  bool adopt(Attempt& best, const std::vector<std::size_t>& files) {
    if (files.empty()) {
      return false;
    }
    Versions versions = versions_;
    for (const std::size_t index : files) {
      versions[index] = &*files_[index].before;
    }
    Attempt attempt = try_versions(versions);
    const auto before = best.left_out();
    const auto after = attempt.left_out();
    const bool fits = std::none_of(files.begin(), files.end(),
                                   [&](std::size_t index) { return after.count(files_[index].now.path) > 0; });
    if (fits && attempt.loaded.main_problems.empty() &&
        std::includes(before.begin(), before.end(), after.begin(), after.end())) {
      versions_ = std::move(versions);
      best = std::move(attempt);
      return true;
    }
    if (files.size() == 1) {
      return false;
    }
    const auto middle = files.begin() + static_cast<std::ptrdiff_t>(files.size() / 2);
    const bool first = adopt(best, {files.begin(), middle});
    const bool second = adopt(best, {middle, files.end()});
    return first || second;
  }

  Loaded finish(Attempt attempt) {
    Loaded& loaded = attempt.loaded;
    sort_by_place(loaded.main_problems, main_file_.string());
    if (!loaded.main_problems.empty()) {
      loaded.configuration.reset();
      return std::move(loaded);
    }
    const auto left_out = attempt.left_out();
    for (std::size_t index = 0; index < files_.size(); ++index) {
      const IncludedFile& file = files_[index].now;
      if (versions_[index] == &file && left_out.count(file.path) == 0) {
        loaded.good_files.emplace(file.path, *file.text);
      }
    }
    return std::move(loaded);
  }

  struct File {
    IncludedFile now;
    std::optional<std::string> last_good;
    std::optional<IncludedFile> before; ///< its last good version, read when first needed
  };

  const std::filesystem::path main_file_;
  const Overrides& overrides_;
  const LastGood* last_good_;
  const std::filesystem::path current_;
  const std::filesystem::path base_;
  HostValues host_;
  std::optional<Value> main_;
  std::vector<Value> options_;
  std::vector<File> files_; ///< has its final size before versions_ points into it
  Versions versions_;       ///< those in the configuration
  Loaded loaded_;           ///< without the projections
};

} // namespace

Loaded load(const std::filesystem::path& main_file, const Overrides& overrides, const LastGood* last_good) {
  return Load(main_file, overrides, last_good).run();
}

const RefusedFile* last_good_source(const Loaded& loaded, const std::string& projection) {
  if (!loaded.configuration || loaded.configuration->projections.count(projection) == 0) {
    return nullptr;
  }
  for (const RefusedFile& file : loaded.refused) {
    if (file.last_good &&
        std::find(file.projections.begin(), file.projections.end(), projection) != file.projections.end()) {
      return &file;
    }
  }
  return nullptr;
}

} // namespace projector::config
