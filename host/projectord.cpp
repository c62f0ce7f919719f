#include "base/log.hpp"
#include "base/process_limits.hpp"
#include "config/load.hpp"
#include "config/units.hpp"
#include "eventlog/event_log.hpp"
#include "pg/error.hpp"
#include "supervisor/host.hpp"
#include "supervisor/plugin_thread.hpp"
#include "supervisor/stores.hpp"

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr int kWrongUsage = 2;
constexpr int kFailed = 1;

using namespace projector;

/// The command line's values, as written.
struct Arguments {
  std::string configuration_file;
  std::vector<std::string> plugin_directories;
  std::vector<std::string> only;
  std::vector<std::string> except;
  std::vector<std::string> set;
  std::string worker_id;
  std::string total_workers;
  bool until_caught_up = false;
  std::string timeout;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", std::string("projectord ") + PROJECTOR_VERSION);
  app.add_option("--config", arguments.configuration_file, "The main configuration file")
      ->required()
      ->type_name("FILE");
  app.add_option("--plugin-dir", arguments.plugin_directories,
                 "Plugin directory, searched first; its plugins start without a [projection] table")
      ->type_name("DIR")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--only", arguments.only, "Run this projection only")->type_name("NAME")->allow_extra_args(false);
  app.add_option("--except", arguments.except, "Do not run this projection")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--worker-id", arguments.worker_id, "This worker's number, or a name that ends in it")->type_name("I");
  app.add_option("--total-workers", arguments.total_workers, "Of how many workers")->type_name("N");
  app.add_option("--set", arguments.set, "A value on top of the configuration")
      ->type_name("SECTION.KEY=VALUE")
      ->allow_extra_args(false);
  auto* until =
      app.add_flag("--until-caught-up", arguments.until_caught_up,
                   "End once every stored checkpoint has reached the last event that was committed at the start");
  app.add_option("--timeout", arguments.timeout, "With --until-caught-up: give up after this long, e.g. 30s")
      ->type_name("DURATION")
      ->needs(until);
}

config::Overrides overrides(const Arguments& arguments) {
  config::Overrides overrides;
  for (const auto& directory : arguments.plugin_directories) {
    overrides.plugin_directories.emplace_back(directory);
  }
  overrides.set = arguments.set;
  if (!arguments.worker_id.empty()) {
    overrides.worker_id = arguments.worker_id;
  }
  if (!arguments.total_workers.empty()) {
    overrides.total_workers = arguments.total_workers;
  }
  overrides.environment = config::process_environment();
  return overrides;
}

supervisor::HostOptions host_options(const Arguments& arguments) {
  supervisor::HostOptions options;
  options.selection.only = {arguments.only.begin(), arguments.only.end()};
  options.selection.except = {arguments.except.begin(), arguments.except.end()};
  options.until_caught_up = arguments.until_caught_up;
  if (!arguments.timeout.empty()) {
    options.timeout = config::parse_duration(arguments.timeout);
  }
  return options;
}

int run_logged(const supervisor::HostOptions& options, supervisor::ConfigurationSource source) {
  const base::LogThread log(source.get().log_level);
  try {
    base::raise_descriptor_limit();
    return supervisor::run_host(options, std::move(source));
  } catch (const eventlog::StoreRefused& refused) {
    spdlog::error("the event store is refused: {}", refused.what());
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
  }
  return kFailed;
}

int run(const Arguments& arguments) {
  const auto options = host_options(arguments);
  if (!arguments.timeout.empty() && !options.timeout) {
    std::fprintf(stderr, "--timeout: found \"%s\", expected a duration such as 30s or 5m\n", arguments.timeout.c_str());
    return kWrongUsage;
  }
  std::vector<config::Problem> problems;
  auto source = supervisor::ConfigurationSource::open(arguments.configuration_file, overrides(arguments), problems);
  if (!source) {
    for (const auto& problem : problems) {
      std::fprintf(stderr, "%s\n", config::to_string(problem).c_str());
    }
    return kWrongUsage;
  }
  problems = supervisor::dsn_problems(source->get());
  if (!problems.empty()) {
    for (const auto& problem : problems) {
      std::fprintf(stderr, "%s\n", config::to_string(problem).c_str());
    }
    return kWrongUsage;
  }
  const int code = run_logged(options, std::move(*source));
  if (supervisor::PluginThread::any_left_behind()) {
    std::_Exit(code);
  }
  return code;
}

/// Large blocks, such as libpq's buffers, get pages of their own, which return to the system when they are freed. By
/// default malloc would keep as much as the largest one for each thread.
void bound_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 3 << 19);
  ::mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

} // namespace

int main(int argc, char** argv) {
  bound_freed_memory();
  try {
    CLI::App app("Keeps read models up to date from an event store in PostgreSQL: each is a plugin, dropped into a "
                 "directory.");
    Arguments arguments;
    declare(app, arguments);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : kWrongUsage;
    }
    return run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "projectord: %s\n", error.what());
  }
  return kFailed;
}
