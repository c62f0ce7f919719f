#pragma once

#include "support/host_process.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace projector::test {

/// The plugins that are shipped for SQL read models.
inline const std::vector<std::string> kShippedPlugins{"user_counter", "revenue", "activity_log"};

/// The processes of one configuration, each of which runs its share of the partitions. None is started yet. Owned by a
/// test.
class WorkerGroup {
public:
  /// `plugins` are installed for each, `projections` is the text of a file in projections.d.
  WorkerGroup(std::string dsn, std::uint32_t total, const std::vector<std::string>& plugins,
              const std::string& projections);

  [[nodiscard]] std::uint32_t total() const noexcept { return static_cast<std::uint32_t>(hosts_.size()); }
  HostProcess& operator[](std::uint32_t id) { return *hosts_.at(id); }
  /// Starts worker `id`, whose sessions are named "worker <id>"; `arguments` come after its share.
  void start(std::uint32_t id, const std::vector<std::string>& arguments = {});
  /// How the worker's process is named in projector_workers.
  [[nodiscard]] std::string host_name(std::uint32_t id) const;
  /// Whether all stored checkpoints reach the newest event within five minutes.
  [[nodiscard]] bool caught_up() const;
  [[nodiscard]] std::string logs() const;

private:
  std::string dsn_;
  std::vector<std::unique_ptr<HostProcess>> hosts_;
};

/// "[projection.NAME]" tables of several projections that have the same keys.
std::string projection_tables(const std::vector<std::string>& names, const std::string& keys);

/// The first cell; "" if there is none or the query fails, e.g. since the table does not exist yet.
std::string value_or_nothing(const std::string& dsn, const std::string& sql);
/// Whether the first cell is `value`, now or within a minute.
bool becomes(const std::string& dsn, const std::string& sql, const std::string& value);

} // namespace projector::test
