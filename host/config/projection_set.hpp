#pragma once

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
  ProjectionSet(const std::filesystem::path& main_file, std::uint32_t partitions, Loaded& loaded);

  /// [defaults] of a layer; before any projection is read.
  void read_defaults(const Value& layer, const std::filesystem::path& base);
  void read_included(const std::filesystem::path& file, const std::filesystem::path& base);
  /// [projection.NAME] tables of the main file or an option.
  void read_main(const Value& layer, const std::filesystem::path& base);
  /// Checks what concerns more than one key or projection, and hands over what no refused file holds.
  void complete(Configuration& configuration);

private:
  ProjectionDraft make_draft(const std::string& name, const Location& where) const;
  void read_included_projections(const Value& projections, const std::filesystem::path& base, RefusedFile& file);
  /// Where a problem at `where` belongs.
  Problems& problems_at(const Location& where);
  void check_backoff(const ProjectionDraft& draft, const std::string& table);
  void check_checkpoints();
  void check_workers(const WorkerShare& worker);

  const std::filesystem::path main_file_;
  Loaded& loaded_;
  ProjectionDraft defaults_;
  std::map<std::string, ProjectionDraft> drafts_;
  std::map<std::string, Location> included_names_;    ///< where an included file defines them
  std::map<std::string, RefusedFile> included_files_; ///< by name as shown; refused where it has problems
};

} // namespace projector::config
