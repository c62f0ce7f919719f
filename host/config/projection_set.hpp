#pragma once

#include "config/included_file.hpp"
#include "config/load.hpp"
#include "config/projection_table.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace projector::config {

/// The projections of one load, gathered layer by layer from the lowest: defaults, included files, main file, options.
/// Problems go to the included file in which they stand, which is then refused alone, else to the main ones.
class ProjectionSet {
public:
  /// `partitions` is what a projection has where no layer says. `loaded` gets problems, refused files and warnings.
  /// `prefer_known_good`: where two sides disagree, an included file that is not known to be good is at fault.
  ProjectionSet(const std::filesystem::path& main_file, std::uint32_t partitions, bool prefer_known_good,
                Loaded& loaded);

  /// [defaults] of a layer; before any projection is read.
  void read_defaults(const Value& layer, const std::filesystem::path& base);
  void read_included(const IncludedFile& file, const std::filesystem::path& base);
  /// [projection.NAME] tables of the main file or an option.
  void read_main(const Value& layer, const std::filesystem::path& base);
  /// Included files with problems of their own, whatever stands beside them; before complete().
  [[nodiscard]] std::set<std::filesystem::path> faulty_files() const;
  /// Checks what concerns more than one key or projection, and hands over what no refused file holds.
  void complete(Configuration& configuration);

private:
  /// An included file, and what was found in it.
  struct Read {
    const IncludedFile* file;
    Problems problems;
    std::vector<std::string> projections;
  };

  ProjectionDraft make_draft(const std::string& name, const Location& where) const;
  void read_included_projections(const Value& projections, const std::filesystem::path& base, Read& read);
  /// The same name in two included files.
  void refuse_second(const std::string& name, ProjectionDraft draft, Read& second);
  /// Where a problem at `where` belongs.
  Problems& problems_at(const Location& where);
  [[nodiscard]] bool is_known_good(const Location& where) const;
  void check_backoff(const ProjectionDraft& draft, const std::string& table);
  void check_checkpoints();
  void check_workers(const WorkerShare& worker);
  /// Takes out what a refused file holds or held, and tells of the file.
  void refuse(const Read& read);

  const std::filesystem::path main_file_;
  const bool prefer_known_good_;
  Loaded& loaded_;
  ProjectionDraft defaults_;
  std::map<std::string, ProjectionDraft> drafts_;
  std::map<std::string, Location> included_names_; ///< where an included file defines them
  std::map<std::string, Read> included_files_;     ///< by name as shown; refused where it has problems
};

} // namespace projector::config
