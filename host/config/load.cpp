#include "config/load.hpp"

#include "config/host_completion.hpp"
#include "config/include.hpp"
#include "config/override_layers.hpp"
#include "config/projection_set.hpp"
#include "config/toml_reader.hpp"
#include "config/unknown_key.hpp"

#include <algorithm>
#include <tuple>

namespace projector::config {
namespace {

/// By line within the main file; what stands in no line (options, environment) comes behind, in the order found.
void sort_by_place(Problems& problems, const std::string& main_file) {
  const auto rank = [&](const Problem& p) {
    return std::tuple(p.where.file != main_file, p.where.file != main_file ? 0 : p.where.line,
                      p.where.file != main_file ? 0 : p.where.column);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
}

/// One load, from the lowest layer to the highest. `include` is there in the main file only.
class Load {
public:
  Load(const std::filesystem::path& main_file, const Overrides& overrides)
      : main_file_(main_file), overrides_(overrides), current_(std::filesystem::current_path()),
        base_(std::filesystem::absolute(main_file).parent_path()) {}

  Loaded run() {
    Problems& problems = loaded_.main_problems;
    const auto main = read_main_file();
    const Value environment = environment_layer(overrides_);
    const std::vector<Value> options = option_layers(overrides_, problems);
    if (main) {
      check_top(*main, true);
      read_host_tables(*main, base_, host_, problems);
    }
    read_host_tables(environment, current_, host_, problems);
    for (const Value& option : options) {
      check_top(option, false);
      read_host_tables(option, current_, host_, problems);
    }
    if (main) {
      complete_host(host_, overrides_, main_file_, problems, loaded_.warnings);
      read_projections(*main, options);
    }
    sort_by_place(problems, main_file_.string());
    if (problems.empty()) {
      loaded_.configuration = std::move(host_.configuration);
    }
    return std::move(loaded_);
  }

private:
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

  void read_projections(const Value& main, const std::vector<Value>& options) {
    Problems& problems = loaded_.main_problems;
    Configuration& configuration = host_.configuration;
    ProjectionSet projections(main_file_, host_.worker_total.value_or(1), loaded_);
    projections.read_defaults(main, base_);
    for (const Value& option : options) {
      projections.read_defaults(option, current_);
    }
    configuration.files.push_back(main_file_);
    if (const Value* patterns = find(main, "include")) {
      Include include = expand_include(*patterns, main_file_, problems);
      for (const auto& file : include.files) {
        projections.read_included(file, base_);
        configuration.files.push_back(file);
      }
      configuration.include_directories = std::move(include.directories);
    }
    projections.read_main(main, base_);
    for (const Value& option : options) {
      projections.read_main(option, current_);
    }
    projections.complete(configuration);
  }

  const std::filesystem::path main_file_;
  const Overrides& overrides_;
  const std::filesystem::path current_;
  const std::filesystem::path base_;
  HostValues host_;
  Loaded loaded_;
};

} // namespace

Loaded load(const std::filesystem::path& main_file, const Overrides& overrides) {
  return Load(main_file, overrides).run();
}

} // namespace projector::config
