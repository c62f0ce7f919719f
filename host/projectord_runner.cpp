#include "base/unique_fd.hpp"
#include "channel/log_sender.hpp"
#include "channel/memory.hpp"
#include "runner/crash_handler.hpp"
#include "runner/events_mapping.hpp"
#include "runner/limits.hpp"
#include "runner/loaded_image.hpp"
#include "runner/sandbox.hpp"
#include "runner/serve.hpp"

#include <projector/plugin.h>

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <system_error>

namespace {

using namespace projector;

/// What the host passes to a runner; the descriptors are numbers of this process.
struct Arguments {
  pid_t parent = 0;
  int channel = -1;
  int program = -1;
  int log = -1;
  int events = -1;
  std::uintptr_t events_address = 0;
  std::size_t events_size = 0;
  std::string thread_name;
  runner::PluginFile plugin;
  runner::SandboxOptions sandbox;
  runner::Limits limits;
};

void describe_arguments(CLI::App& app, Arguments& arguments) {
  app.add_option("--parent", arguments.parent, "Process id of the host")->required();
  app.add_option("--channel", arguments.channel, "Descriptor of the channel's memory")->required();
  app.add_option("--program", arguments.program, "Descriptor of this program")->required();
  app.add_option("--log", arguments.log, "Descriptor of the log's socket")->required();
  app.add_option("--events", arguments.events, "Descriptor of the events' memory");
  app.add_option("--events-address", arguments.events_address, "Where the events lie in the host");
  app.add_option("--events-size", arguments.events_size, "Address space of the events, in bytes");
  app.add_option("--name", arguments.thread_name, "Name of the process's main thread");
  app.add_option("--plugin", arguments.plugin.copy, "The file to load")->required();
  app.add_option("--source", arguments.plugin.source, "The file's name in messages")->required();
  app.add_option("--plugin-name", arguments.plugin.name, "The name that the plugin has to have")->required();
  app.add_flag("--external", arguments.sandbox.external, "Its effects leave the database");
  app.add_flag("!--no-sandbox", arguments.sandbox.enabled, "Do not limit what it may do");
  app.add_option("--state-directory", arguments.sandbox.state_directory, "The plugin's own directory");
  app.add_option("--readable", arguments.sandbox.readable, "Paths that it may read");
  app.add_option("--writable", arguments.sandbox.writable, "Paths that it may write");
  app.add_option("--memory-max", arguments.limits.memory_max, "Bytes of private memory");
  app.add_option("--nice", arguments.limits.nice, "Scheduling priority");
}

// A signal handler has no argument to find them by.
std::atomic<channel::Memory*> crash_memory = nullptr;
std::atomic<const char*> plugin_path = nullptr;
std::atomic<std::uint64_t> plugin_begin = 0;
std::atomic<std::uint64_t> plugin_end = 0;

void pass_on_crash(const channel::Crash& crash) noexcept {
  channel::Crash placed = crash;
  if (plugin_end == 0) {
    // An initialiser crashed, while the plugin was loaded.
    placed.plugin_offset = runner::offset_in_image(plugin_path, crash.instruction).value_or(channel::Crash::kOutside);
  } else if (crash.instruction >= plugin_begin && crash.instruction < plugin_end) {
    placed.plugin_offset = crash.instruction - plugin_begin;
  }
  crash_memory.load()->record_crash(placed);
}

void note_plugin(const projector_plugin& descriptor) {
  // A function of the plugin's own: the descriptor is the host's copy.
  if (const auto image = runner::image_of(reinterpret_cast<const void*>(descriptor.handle))) {
    plugin_begin = image->begin;
    plugin_end = image->end;
  }
}

/// All that has to stand before the plugin is loaded, whose initialisers run at once.
void prepare(Arguments& arguments, channel::Memory& memory, channel::LogSender& log) {
  if (arguments.events >= 0) {
    runner::map_events(arguments.events, arguments.events_address, arguments.events_size);
    ::close(arguments.events);
  }
  crash_memory = &memory;
  plugin_path = arguments.plugin.copy.c_str();
  runner::install_crash_handler(pass_on_crash);
  runner::apply_limits(arguments.limits);
  // A core file is written here, and the sandbox allows that nowhere else.
  const std::string& directory = arguments.sandbox.state_directory;
  if (::chdir(directory.empty() ? "/" : directory.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot enter the state directory " + directory);
  }
#ifdef PROJECTOR_SANITIZED
  arguments.sandbox.enabled = false; // a sanitizer needs more than a plugin
#endif
  arguments.sandbox.readable.push_back(arguments.plugin.copy);
  const auto report = runner::enter_sandbox(arguments.sandbox);
  log.send(PROJECTOR_LOG_DEBUG, report.line());
  if (report.enabled && !(report.landlock.in_force && report.seccomp.in_force)) {
    memory.set_remark(report.line());
  }
}

void run(Arguments& arguments) {
  runner::die_with(arguments.parent);
  ::signal(SIGPIPE, SIG_IGN); // the host's end of the log may be closed
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    ::signal(signal, SIG_IGN); // sent to the whole group or service, they are the host's to obey
  }
  ::prctl(PR_SET_NAME, arguments.thread_name.c_str());
  const auto memory = channel::Memory::open(arguments.channel);
  ::close(arguments.channel);
  ::close(arguments.program);
  channel::LogSender log(base::UniqueFd(arguments.log), memory->dropped_log_lines());
  try {
    prepare(arguments, *memory, log);
  } catch (const std::exception& error) {
    memory->set_remark(error.what());
    ::_exit(channel::kCouldNotStart);
  }
  ::malloc_trim(0); // of what reading the arguments and building the filter have used: half of a small plugin's memory
  runner::serve(*memory, log, arguments.plugin, note_plugin);
  // Without destructors: a thread that the plugin has left behind may still run, and the host kills this process.
  ::_exit(0);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Holds one instance of a plugin for projectord, which starts it and talks to it. Not to be run by hand.");
  Arguments arguments;
  describe_arguments(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "projectord-runner: %s\n", error.what());
    return 1;
  }
}
