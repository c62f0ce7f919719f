#pragma once

#include "config/included_file.hpp"
#include "config/load.hpp"
#include "config/projection_table.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace projector::config {

/// The projections of one load, read layer by layer from the lowest: defaults, included files, main file, options. A
/// problem in an included file refuses that file alone; all others are added to the main problems.
class ProjectionSet {
public:
  /// `partitions` is the default. Problems, refused files and warnings are added to `loaded`. `prefer_known_good`: if
  /// two files conflict, an included file that is not known to be good is refused.
  ProjectionSet(const std::filesystem::path& main_file, std::uint32_t partitions, bool prefer_known_good,
                Loaded& loaded);

  /// [defaults] of a layer. To be called before any projection is read.
  void read_defaults(const Value& layer, const std::filesystem::path& base);
  void read_included(const IncludedFile& file, const std::filesystem::path& base);
  /// [projection.NAME] tables of the main file or an option.
  void read_main(const Value& layer, const std::filesystem::path& base);
  /// Included files with problems that do not depend on other files. To be called before complete().
  [[nodiscard]] std::set<std::filesystem::path> faulty_files() const;
  /// Checks rules that involve several keys or projections, and adds the projections that are in no refused file.
  void complete(Configuration& configuration);

private:
  /// An included file and what was read from it.
  struct Read {
    const IncludedFile* file;
    Problems problems;
    std::vector<std::string> projections;
  };

  ProjectionDraft make_draft(const std::string& name, const Location& where) const;
  void read_included_projections(const Value& projections, const std::filesystem::path& base, Read& read);
  /// Refuses a name that two included files define.
  void refuse_second(const std::string& name, ProjectionDraft draft, Read& second);
  /// The list to which a problem at `where` is added.
  Problems& problems_at(const Location& where);
  [[nodiscard]] bool is_known_good(const Location& where) const;
  void check_backoff(const ProjectionDraft& draft, const std::string& table);
  void check_checkpoints();
  void check_workers(const WorkerShare& worker);
  /// Removes the projections of a refused file and its last good version, and adds the file to the refused ones.
  void refuse(const Read& read);

  const std::filesystem::path main_file_;
  const bool prefer_known_good_;
  Loaded& loaded_;
  ProjectionDraft defaults_;
  std::map<std::string, ProjectionDraft> drafts_;
  std::map<std::string, Location> included_names_; ///< where an included file defines them
  std::map<std::string, Read> included_files_;     ///< by name in messages; refused if it has problems
};

} // namespace projector::config
