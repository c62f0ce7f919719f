#pragma once

#include "host_view.hpp"
#include "operations.hpp"
#include "plugin_variants.hpp"

#include "pg/connection.hpp"
#include "support/host_process.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::test::model {

/// The real host with its files and its read models. One thread.
class OperatedHost {
public:
  /// Makes the read models' tables, which refuse the rows of bad versions when they are committed. The database has the
  /// event store's tables.
  explicit OperatedHost(const std::string& dsn);

  void start();
  void perform(const Operation& operation);
  /// Changes an included file of no concern to the model and waits until the host has taken it in, and with it all that
  /// was done before. False where it does not within half a minute.
  bool settle();

  /// Nothing if the host has no status yet.
  std::optional<HostView> view();
  /// What is wrong with the read models in one snapshot: a position twice, a hole at or below the checkpoint, a row
  /// above it, a row of a bad version. Looks at what lies above the checkpoints of the last look only, unless `all`.
  std::vector<std::string> read_model_faults(bool all);
  std::string log_tail(std::size_t lines) const;
  int stop() { return host_.stop(); }

private:
  void put_plugin(const Operation& operation);
  void write_projection(const std::string& name, const ProjectionFile& file);
  [[nodiscard]] std::filesystem::path projection_path(const std::string& name) const;
  void write_main(bool broken);
  [[nodiscard]] bool gone();
  pg::Connection& connection();

  std::string dsn_;
  HostProcess host_;
  PluginVariants variants_;
  std::unique_ptr<pg::Connection> connection_;
  std::set<std::string> renamed_; ///< projections whose file has its other name
  std::map<std::string, std::int64_t> looked_at_;
  std::size_t log_begin_ = 0; ///< of this life
  std::uint64_t ticks_ = 0;
  std::uint64_t spoiled_ = 0;
};

} // namespace projector::test::model
