#include "config/unknown_key.hpp"

#include "config/host_tables.hpp"
#include "config/projection_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace projector::config {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

/// The keys that a table may have.
std::vector<std::string_view> keys_of(std::string_view table) {
  std::vector<std::string_view> keys;
  for (const HostTable& host : host_tables()) {
    if (host.name == table) {
      std::transform(host.keys.begin(), host.keys.end(), std::back_inserter(keys),
                     [](const auto& k) { return k.name; });
    }
  }
  const bool defaults = table == "defaults";
  if (defaults || table.substr(0, 11) == "projection.") {
    for (const ProjectionKey& key : projection_keys()) {
      if (!defaults || key.in_defaults) {
        keys.push_back(key.name);
      }
    }
  }
  return keys;
}

/// The tables that may have a key, as people write them.
std::vector<std::string> homes_of(std::string_view key) {
  std::vector<std::string> homes;
  for (const HostTable& table : host_tables()) {
    const auto keys = keys_of(table.name);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) {
      homes.push_back(fmt::format("[{}]", table.name));
    }
  }
  for (const ProjectionKey& known : projection_keys()) {
    if (known.name == key) {
      if (known.in_defaults) {
        homes.emplace_back("[defaults]");
      }
      homes.emplace_back("[projection.NAME]");
    }
  }
  return homes;
}

std::vector<std::string_view> table_names() {
  std::vector<std::string_view> names;
  for (const HostTable& table : host_tables()) {
    names.push_back(table.name);
  }
  names.insert(names.end(), {"defaults", "projection"});
  return names;
}

Problem unknown_at_top(const Member& member) {
  const auto homes = homes_of(member.key);
  if (member.value.kind != Value::Kind::Table && !homes.empty()) {
    return {member.where, fmt::format("unknown key {} outside a table; {} belongs in {}", quote(member.key), member.key,
                                      fmt::join(homes, " or "))};
  }
  const bool is_table = member.value.kind == Value::Kind::Table;
  const std::string unknown = fmt::format("unknown {} {}", is_table ? "table" : "key", quote(member.key));
  auto names = table_names();
  if (!is_table && nearest(member.key, {"include"})) {
    return {member.where, unknown + "; did you mean include?"};
  }
  if (const auto near = nearest(member.key, names)) {
    return {member.where,
            fmt::format("{}; did you mean [{}{}]?", unknown, *near, *near == "projection" ? ".NAME" : "")};
  }
  names.pop_back();
  return {member.where,
          fmt::format("{}; expected include, [{}] or [projection.NAME]", unknown, fmt::join(names, "], ["))};
}

} // namespace

std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongest = 64;
  std::optional<std::string_view> best;
  std::size_t best_distance = 0;
  if (word.size() > kLongest) {
    return best;
  }
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance * 3 <= std::max(word.size(), candidate.size()) && (!best || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

Problem unknown_key(const Member& member, std::string_view table) {
  if (table.empty()) {
    return unknown_at_top(member);
  }
  std::string text = fmt::format("unknown key {} in [{}]; ", quote(member.key), table);
  const auto homes = homes_of(member.key);
  const auto keys = keys_of(table);
  const bool projection = table.substr(0, 11) == "projection.";
  if (member.key == "include") {
    text += "include belongs at the top of the main file, before the first table";
  } else if (!homes.empty()) {
    text += fmt::format("{} belongs in {}", member.key, fmt::join(homes, " or "));
  } else if (const auto near = nearest(member.key, keys)) {
    text += fmt::format("did you mean \"{}\"?", *near);
  } else if (keys.empty()) {
    text += "expected tables [projection.NAME]";
  } else {
    text += fmt::format("expected {} {}", keys.size() == 1 ? "only" : "one of", fmt::join(keys, ", "));
    text += projection ? fmt::format("; what the plugin declares belongs in [{}.settings]", table) : "";
  }
  return {member.where, text};
}

} // namespace projector::config
