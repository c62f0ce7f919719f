#include "operations.hpp"

#include <fmt/format.h>

#include <array>

namespace projector::test::model {
namespace {

using Kind = Operation::Kind;
using Fault = PluginFile::Fault;

std::string to_string(const PluginFile& file) {
  static constexpr std::array<const char*, 9> kFaults{"good",
                                                      "not an ELF file",
                                                      "truncated",
                                                      "writable by all",
                                                      "of another name",
                                                      "failing in create",
                                                      "failing in setup",
                                                      "failing in handle",
                                                      "failing at COMMIT"};
  return fmt::format("version {}, {}", file.version, kFaults[static_cast<std::size_t>(file.fault)]);
}

std::string to_string(const ProjectionFile& file) {
  static constexpr std::array<const char*, 4> kFaults{"good", "with a syntax error", "with an unknown key",
                                                      "with a value of a wrong type"};
  const Configuration& configuration = file.configuration;
  return fmt::format("plugin {}, {}batch_size {}, position {}, {}", configuration.plugin,
                     configuration.enabled ? "" : "disabled, ", configuration.batch_size,
                     configuration.position.empty() ? "absent" : configuration.position,
                     kFaults[static_cast<std::size_t>(file.fault)]);
}

} // namespace

const std::map<std::string, int>& all_projections() {
  static const std::map<std::string, int> kProjections{{"alpha", 1},    {"beta", 2},     {"notebook", 1},
                                                       {"recorder", 1}, {"register", 1}, {"settable", 1}};
  return kProjections;
}

const std::vector<std::string>& all_plugins() {
  static const std::vector<std::string> kPlugins{"recorder", "notebook", "register", "settable"};
  return kPlugins;
}

std::string to_string(const Operation& operation) {
  const std::string& name = operation.name;
  switch (operation.kind) {
  case Kind::PutPlugin:
    return fmt::format("put {}.so {}: {}", name, operation.in_place ? "in place" : "by rename",
                       to_string(operation.plugin));
  case Kind::TouchPlugin:
    return fmt::format("touch {}.so", name);
  case Kind::RemovePlugin:
    return fmt::format("remove {}.so", name);
  case Kind::PutProjection:
    return fmt::format("write [projection.{}]: {}", name, to_string(operation.projection));
  case Kind::RenameProjection:
    return fmt::format("rename the file of [projection.{}]", name);
  case Kind::RemoveProjection:
    return fmt::format("remove the file of [projection.{}]", name);
  case Kind::BreakMain:
    return "break the main file";
  case Kind::RepairMain:
    return "repair the main file";
  case Kind::Hangup:
    return "SIGHUP";
  case Kind::Kill:
    return "kill -9 and start";
  case Kind::Restart:
    return "stop and start";
  }
  return {};
}

void apply(const Operation& operation, Disk& disk) {
  switch (operation.kind) {
  case Kind::PutPlugin:
    disk.plugins[operation.name] = operation.plugin;
    return;
  case Kind::RemovePlugin:
    disk.plugins.erase(operation.name);
    return;
  case Kind::PutProjection:
    disk.projections[operation.name] = operation.projection;
    return;
  case Kind::RemoveProjection:
    disk.projections.erase(operation.name);
    return;
  case Kind::BreakMain:
  case Kind::RepairMain:
    disk.main_broken = operation.kind == Kind::BreakMain;
    return;
  case Kind::TouchPlugin:
  case Kind::RenameProjection:
  case Kind::Hangup:
  case Kind::Kill:
  case Kind::Restart:
    return;
  }
}

bool OperationGenerator::chance(int percent) {
  return below(100) < static_cast<std::size_t>(percent);
}

std::size_t OperationGenerator::below(std::size_t limit) {
  return static_cast<std::size_t>(random_() % limit);
}

Operation OperationGenerator::next(const Disk& disk) {
  if (disk.main_broken && chance(30)) {
    Operation operation;
    operation.kind = Kind::RepairMain;
    return operation;
  }
  return chance(85) ? next_change(disk) : host_operation(disk);
}

Operation OperationGenerator::next_change(const Disk& disk) {
  return chance(60) ? plugin_operation(disk) : projection_operation(disk);
}

Operation OperationGenerator::plugin_operation(const Disk& disk) {
  Operation operation;
  operation.kind = Kind::PutPlugin;
  operation.name = one_of(all_plugins());
  const auto file = disk.plugins.find(operation.name);
  if (file == disk.plugins.end()) {
    operation.plugin = chance(75) ? good_plugin(operation.name) : bad_plugin(operation.name);
    return operation;
  }
  const bool good = file->second.fault == Fault::None;
  if (chance(15)) {
    operation.kind = Kind::RemovePlugin;
  } else if (chance(10)) {
    operation.kind = Kind::TouchPlugin;
  } else if (chance(good ? 50 : 25)) {
    operation.plugin = bad_plugin(operation.name);
  } else {
    operation.plugin = good_plugin(operation.name);
    operation.in_place = chance(30);
  }
  return operation;
}

/// Half of the time the version that was there last, which is brought back.
PluginFile OperationGenerator::good_plugin(const std::string& name) {
  static const std::vector<std::string> kVersions{"1.0.0", "2.0.0", "3.0.0"};
  std::string& version = last_good_.try_emplace(name, kVersions.front()).first->second;
  if (chance(50)) {
    version = one_of(kVersions);
  }
  return {Fault::None, version, name == "settable"};
}

PluginFile OperationGenerator::bad_plugin(const std::string& name) {
  static const std::vector<std::pair<Fault, std::string>> kFaults{
      {Fault::NotElf, ""},      {Fault::Truncated, "5.0.0"}, {Fault::Writable, "2.0.0"}, {Fault::OtherName, "5.0.0"},
      {Fault::Create, "6.0.0"}, {Fault::Setup, "7.0.0"},     {Fault::Handle, "8.0.0"},   {Fault::Commit, "9.0.0"}};
  const auto& [fault, version] = one_of(kFaults);
  const bool settings = fault != Fault::Create && fault != Fault::Handle;
  return {fault, version, settings && name == "settable"};
}

Operation OperationGenerator::projection_operation(const Disk& disk) {
  std::vector<std::string> names;
  for (const auto& [name, partitions] : all_projections()) {
    names.push_back(name);
  }
  Operation operation;
  operation.kind = Kind::PutProjection;
  operation.name = one_of(names);
  const auto file = disk.projections.find(operation.name);
  const bool good = file != disk.projections.end() && file->second.fault == ProjectionFile::Fault::None;
  if (file != disk.projections.end() && chance(20)) {
    operation.kind = Kind::RemoveProjection;
  } else if (good && !disk.main_broken && chance(15)) {
    // Under a broken main file, the host would keep what is good by the name that it knows.
    operation.kind = Kind::RenameProjection;
  } else {
    operation.projection.configuration = configuration(operation.name);
    if (chance(25)) {
      static const std::vector<ProjectionFile::Fault> kFaults{
          ProjectionFile::Fault::Syntax, ProjectionFile::Fault::UnknownKey, ProjectionFile::Fault::WrongType};
      operation.projection.fault = one_of(kFaults);
    }
  }
  return operation;
}

Configuration OperationGenerator::configuration(const std::string& projection) {
  Configuration configuration;
  if (projection != "alpha" && projection != "beta" && chance(70)) {
    configuration.plugin = projection;
  } else if (chance(60)) {
    configuration.plugin = "recorder";
  } else {
    configuration.plugin = one_of(all_plugins());
  }
  configuration.enabled = chance(88);
  static const std::vector<int> kSizes{2, 10, 100, 1000};
  configuration.batch_size = one_of(kSizes);
  if (configuration.plugin == "settable" ? chance(85) : chance(7)) {
    static const std::vector<std::string> kPositions{"-1", "-2", "-3", "\"-1\""};
    configuration.position = one_of(kPositions);
  }
  return configuration;
}

Operation OperationGenerator::host_operation(const Disk& disk) {
  Operation operation;
  const std::size_t draw = below(100);
  if (disk.main_broken) {
    // The host would not start without a valid main file.
    operation.kind = draw < 50 ? Kind::Hangup : Kind::RepairMain;
  } else {
    operation.kind = draw < 30 ? Kind::BreakMain : draw < 50 ? Kind::Hangup : draw < 75 ? Kind::Kill : Kind::Restart;
  }
  return operation;
}

} // namespace projector::test::model
