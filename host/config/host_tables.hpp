#pragma once

#include "config/field.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace projector::config {

/// The host's own values, merged from the layers read so far.
struct HostValues {
  Configuration configuration; ///< its projections, defaults and files are not touched here
  std::optional<std::vector<std::filesystem::path>> directories;
  std::optional<std::vector<std::filesystem::path>> autostart;
  std::optional<std::uint32_t> worker_id;
  std::optional<std::uint32_t> worker_total;
  std::map<std::string, Location, std::less<>> origins; ///< of every key that was set: "read_model.pool_max"
  std::set<std::string, std::less<>> refused;           ///< those of them that have a problem in some layer
};

struct HostKey {
  std::string_view name;
  void (*read)(const Field&, HostValues&);
};

struct HostTable {
  std::string_view name;
  std::span<const HostKey> keys;
};

/// All tables of the main file except [defaults] and [projection.NAME].
std::span<const HostTable> host_tables();

constexpr std::uint32_t kMostPartitions = 1024;

/// Reads the host's tables of one layer, `root`, whose values replace those of lower layers. Other tables are ignored.
void read_host_tables(const Value& root, const std::filesystem::path& base, HostValues& values, Problems& problems);

} // namespace projector::config
