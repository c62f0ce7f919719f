#pragma once

#include "config/field.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace projector::config {

/// What the layers have given so far for the host as a whole.
struct HostValues {
  Configuration configuration; ///< its projections, defaults and files are not touched here
  std::optional<std::vector<std::filesystem::path>> directories;
  std::optional<std::vector<std::filesystem::path>> autostart;
  std::optional<std::uint32_t> worker_id;
  std::optional<std::uint32_t> worker_total;
  std::map<std::string, Location, std::less<>> origins; ///< of every key given, in full: "read_model.pool_max"
  std::set<std::string, std::less<>> refused;           ///< of these, the keys with a problem in some layer
};

struct HostKey {
  std::string_view name;
  void (*read)(const Field&, HostValues&);
};

struct HostTable {
  std::string_view name;
  std::span<const HostKey> keys;
};

/// Every table of the main file but [defaults] and [projection.NAME].
std::span<const HostTable> host_tables();

constexpr std::uint32_t kMostPartitions = 1024;

/// Reads the host's tables in one layer over what lower layers gave. `root` is the layer; tables that are not the
/// host's are left alone.
void read_host_tables(const Value& root, const std::filesystem::path& base, HostValues& values, Problems& problems);

} // namespace projector::config
