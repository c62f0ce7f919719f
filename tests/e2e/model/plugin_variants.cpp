#include "plugin_variants.hpp"

#include <fmt/format.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace projector::test::model {
namespace {

using Fault = PluginFile::Fault;

std::string built(const std::string& plugin) {
  const std::filesystem::path file = std::filesystem::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (plugin + ".so");
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in || bytes.str().empty()) {
    throw std::runtime_error(file.string() + " cannot be read: build the target test_plugins");
  }
  return bytes.str();
}

/// Writes `to` over every `from` and fills up with `filler`.
void write_over(std::string& bytes, const std::string& from, std::string to, char filler) {
  if (to.size() > from.size()) {
    throw std::logic_error(fmt::format("\"{}\" is longer than \"{}\"", to, from));
  }
  to.resize(from.size(), filler);
  std::size_t at = bytes.find(from);
  if (at == std::string::npos) {
    throw std::logic_error(fmt::format("the plugin holds no \"{}\"", from));
  }
  for (; at != std::string::npos; at = bytes.find(from, at + from.size())) {
    bytes.replace(at, from.size(), to);
  }
}

/// As write_over, over whole strings of the program: a NUL is behind them, and no other text before them.
void write_over_string(std::string& bytes, const std::string& from, std::string to) {
  if (to.size() > from.size()) {
    throw std::logic_error(fmt::format("\"{}\" is longer than \"{}\"", to, from));
  }
  to.resize(from.size(), '\0');
  bool found = false;
  const std::string ended = from + '\0';
  for (std::size_t at = bytes.find(ended); at != std::string::npos; at = bytes.find(ended, at + 1)) {
    if (at == 0 || std::isprint(static_cast<unsigned char>(bytes[at - 1])) == 0) {
      bytes.replace(at, from.size(), to);
      found = true;
    }
  }
  if (!found) {
    throw std::logic_error(fmt::format("the plugin holds no string \"{}\"", from));
  }
}

struct Origin {
  std::string plugin; ///< as built
  std::string name;   ///< of its descriptor
  std::string version;
};

Origin origin_of(const PluginFile& file) {
  switch (file.fault) {
  case Fault::Create:
    return {"create_fails", "create_fails", "1.0.0"};
  case Fault::Handle:
    return {"broken/recorder", "recorder", "4.0.0"};
  default:
    return file.takes_position ? Origin{"fatal_on", "fatal_on", "1.0.0"} : Origin{"recorder", "recorder", "1.0.0"};
  }
}

void spoil(std::string& bytes, Fault fault) {
  if (fault == Fault::Setup) {
    write_over(bytes,
               "CREATE TABLE IF NOT EXISTS %s_seen (projection text NOT NULL, partition integer NOT NULL, "
               "global_position bigint PRIMARY KEY)",
               "INSERT INTO %s_seen VALUES ('bad', -7, -7)", ' ');
  } else if (fault == Fault::Commit) {
    write_over(bytes, "VALUES ($1, $2, $3)", "VALUES ($1, -7, $3)", ' ');
  } else if (fault == Fault::Truncated) {
    bytes.resize(3000);
  }
}

} // namespace

const std::string& PluginVariants::bytes(const std::string& name, const PluginFile& file) {
  const std::string key =
      fmt::format("{} {} {} {}", name, static_cast<int>(file.fault), file.version, file.takes_position);
  const auto known = made_.find(key);
  if (known != made_.end()) {
    return known->second;
  }
  if (file.fault == Fault::NotElf) {
    return made_[key] = "This is no plugin.\n";
  }
  const Origin origin = origin_of(file);
  std::string bytes = built(origin.plugin);
  write_over_string(bytes, origin.name, file.fault == Fault::OtherName ? "stranger" : name);
  if (file.version != origin.version) {
    write_over_string(bytes, origin.version, file.version);
  }
  spoil(bytes, file.fault);
  return made_[key] = bytes;
}

} // namespace projector::test::model
