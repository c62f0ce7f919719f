#include "plugin/runner_arguments.hpp"

#include "plugin/spawn.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace projector::plugin {
namespace {

constexpr int kChannel = Start::kFirstDescriptor;
constexpr int kProgram = Start::kFirstDescriptor + 1;
constexpr int kEvents = Start::kFirstDescriptor + 2;

std::vector<std::string> arguments_of(const SharedEvents* events, const RunnerOptions& options) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* name, std::string value) {
    arguments.emplace_back(name);
    arguments.push_back(std::move(value));
  };
  add("--parent", std::to_string(::getpid()));
  add("--channel", std::to_string(kChannel));
  add("--program", std::to_string(kProgram));
  add("--log", std::to_string(Start::kLogDescriptor));
  add("--plugin", options.file.copy.string());
  add("--source", options.file.source.string());
  add("--plugin-name", options.file.name);
  add("--name", options.name);
  if (events != nullptr) {
    add("--events", std::to_string(kEvents));
    add("--events-address", std::to_string(reinterpret_cast<std::uintptr_t>(events->address)));
    add("--events-size", std::to_string(events->size));
  }
  if (!options.state_directory.empty()) {
    add("--state-directory", options.state_directory);
  }
  if (options.memory_max != 0) {
    add("--memory-max", std::to_string(options.memory_max));
  }
  if (options.nice) {
    add("--nice", std::to_string(*options.nice));
  }
  if (options.external) {
    arguments.emplace_back("--external");
  }
  if (!options.sandbox) {
    arguments.emplace_back("--no-sandbox");
  }
  for (const auto& path : options.readable) {
    add("--readable", path);
  }
  for (const auto& path : options.writable) {
    add("--writable", path);
  }
  return arguments;
}

} // namespace

Start runner_start(const RunnerHost& host, const RunnerOptions& options, int channel) {
  Start start;
  // The descriptor and not the path, where an upgrade may have put the runner of another build meanwhile.
  start.program = fmt::format("/proc/self/fd/{}", kProgram);
  start.title = "projectord: " + options.name;
  start.arguments = arguments_of(host.events.get(), options);
  start.environment = runner_environment(environ);
  start.descriptors = {channel, host.program->descriptor()};
  if (host.events) {
    start.descriptors.push_back(host.events->descriptor.get());
  }
  return start;
}

} // namespace projector::plugin
