#include "config/host_completion.hpp"

#include "config/override_layers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::config {
namespace {

constexpr const char* kLocalPlugins = "/usr/local/lib/projectord/plugins";
#if defined(__x86_64__)
constexpr const char* kPackagedPlugins = "/usr/lib/x86_64-linux-gnu/projectord/plugins";
#elif defined(__aarch64__)
constexpr const char* kPackagedPlugins = "/usr/lib/aarch64-linux-gnu/projectord/plugins";
#else
constexpr const char* kPackagedPlugins = "/usr/lib/projectord/plugins";
#endif

Location origin(const HostValues& values, std::string_view key, const std::filesystem::path& main_file) {
  const auto found = values.origins.find(key);
  return found == values.origins.end() ? Location{main_file.string()} : found->second;
}

void complete_dsn(HostValues& values, const Overrides& overrides, const std::filesystem::path& main_file,
                  Problems& problems) {
  Configuration& configuration = values.configuration;
  std::string& dsn = configuration.event_store.dsn;
  const bool refused = values.refused.count("event_store.dsn") > 0;
  configuration.event_store.dsn_where = origin(values, "event_store.dsn", main_file);
  configuration.read_model.dsn_where = origin(values, "read_model.dsn", main_file);
  if (const auto url = variable(overrides, "DATABASE_URL"); url && dsn.empty()) {
    const Value value = string_value(*url, {"DATABASE_URL"});
    read_secret(Field{value, "event_store.dsn", main_file, problems}, dsn, "a connection string");
    configuration.event_store.dsn_where = {"DATABASE_URL"};
  } else if (dsn.empty() && !refused) {
    problems.push_back({origin(values, "event_store.dsn", main_file),
                        "event_store.dsn is not set; write dsn = \"host=/run/postgresql dbname=app\" in [event_store], "
                        "or set PROJECTORD_DSN or DATABASE_URL in the environment"});
  }
  std::string& read_model = configuration.read_model.dsn;
  configuration.read_model.same_as_event_store = read_model.empty() || read_model == dsn;
  if (read_model.empty()) {
    read_model = dsn;
  }
}

void check_pool(const HostValues& values, const std::filesystem::path& main_file, Problems& problems) {
  const ReadModel& read_model = values.configuration.read_model;
  if (read_model.pool_max >= read_model.pool_size || values.refused.count("read_model.pool_max") > 0) {
    return;
  }
  const bool max_given = values.origins.find("read_model.pool_max") != values.origins.end();
  const Location where = origin(values, max_given ? "read_model.pool_max" : "read_model.pool_size", main_file);
  problems.push_back(
      {where, fmt::format("read_model.pool_max is {}{}, less than read_model.pool_size, {}; raise pool_max "
                          "or lower pool_size",
                          read_model.pool_max, max_given ? "" : " when it is not given", read_model.pool_size)});
}

void complete_directories(HostValues& values, const Overrides& overrides, const std::filesystem::path& main_file,
                          Problems& problems, Problems& warnings) {
  Plugins& plugins = values.configuration.plugins;
  const auto contains = [](const auto& paths, const auto& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  const auto add = [&](auto& paths, const auto& path) {
    if (!contains(paths, path)) {
      paths.push_back(path);
    }
  };
  for (const auto& option : overrides.plugin_directories) {
    if (option.empty()) {
      problems.push_back({{"--plugin-dir"}, "found an empty path, expected a directory"});
      continue;
    }
    const auto path = normal_path(std::filesystem::current_path(), option);
    add(plugins.directories, path);
    add(plugins.autostart, path);
  }
  const std::vector<std::filesystem::path> built_in{kLocalPlugins, kPackagedPlugins};
  for (const auto& path : values.directories.value_or(built_in)) {
    add(plugins.directories, path);
  }
  if (!values.directories) {
    plugins.built_in = built_in;
  }
  if (plugins.directories.empty()) {
    warnings.push_back(
        {origin(values, "plugins.directories", main_file),
         "plugins.directories is empty, so no plugin can be found; add a directory or give --plugin-dir"});
  }
  if (!values.autostart && contains(plugins.directories, kLocalPlugins)) {
    add(plugins.autostart, std::filesystem::path(kLocalPlugins));
  }
  for (const auto& path : values.autostart.value_or(std::vector<std::filesystem::path>())) {
    if (!contains(plugins.directories, path) && values.refused.count("plugins.directories") == 0) {
      problems.push_back({origin(values, "plugins.autostart", main_file),
                          fmt::format("plugins.autostart: found {}, which is not in plugins.directories; add it there",
                                      quote(path.string()))});
    }
    add(plugins.autostart, path);
  }
}

/// The default of a directory: the first that systemd names in its variable, else one of the user's.
void complete_directory(std::filesystem::path& path, const HostValues& values, const Overrides& overrides,
                        const std::filesystem::path& main_file, const char* key,
                        const std::vector<std::string>& variables, const char* below_home, Problems& problems) {
  const auto absolute = [&](const std::string& name) -> std::filesystem::path {
    const std::string text = variable(overrides, name).value_or("");
    const std::filesystem::path found = text.substr(0, name == variables[0] ? text.find(':') : std::string::npos);
    return found.is_absolute() ? found : std::filesystem::path();
  };
  if (!path.empty() || values.refused.count(key) > 0) {
    return;
  }
  if (const auto systemd = absolute(variables[0]); !systemd.empty()) {
    path = systemd;
  } else if (const auto xdg = absolute(variables[1]); !xdg.empty()) {
    path = xdg / "projectord";
  } else if (const auto home = absolute("HOME"); !home.empty()) {
    path = home / below_home / "projectord";
  } else {
    problems.push_back({{main_file.string()},
                        fmt::format("{} is not set, and no environment variable replaces it; set it, or {}, {} or "
                                    "HOME to an absolute path",
                                    key, variables[0], variables[1])});
    return;
  }
  path = normal_path("/", path);
}

void complete_worker(HostValues& values, const std::filesystem::path& main_file, Problems& problems) {
  const auto id = values.worker_id;
  const auto total = values.worker_total;
  const auto given = [&](const char* key) { return values.origins.find(key) != values.origins.end(); };
  const Location id_at = origin(values, "worker.id", main_file);
  const Location total_at = origin(values, "worker.total", main_file);
  if (id && !given("worker.total")) {
    problems.push_back({id_at, fmt::format("worker.id is {}, but the number of workers is not set; set worker.total, "
                                           "TOTAL_WORKERS or --total-workers",
                                           *id)});
  } else if (total && !given("worker.id")) {
    problems.push_back({total_at, fmt::format("worker.total is {}, but this worker's number is not set; set worker.id, "
                                              "WORKER_ID or --worker-id",
                                              *total)});
  } else if (id && total && *id >= *total) {
    problems.push_back(
        {id_at, fmt::format("worker.id is {}, expected it below worker.total, which is {} ({}); ids count "
                            "from 0",
                            *id, *total, to_string(total_at))});
  } else if (id && total) {
    values.configuration.worker = WorkerShare{*id, *total};
  }
}

} // namespace

void complete_host(HostValues& values, const Overrides& overrides, const std::filesystem::path& main_file,
                   Problems& problems, Problems& warnings) {
  Plugins& plugins = values.configuration.plugins;
  complete_dsn(values, overrides, main_file, problems);
  check_pool(values, main_file, problems);
  complete_directories(values, overrides, main_file, problems, warnings);
  complete_directory(plugins.cache, values, overrides, main_file, "plugins.cache",
                     {"CACHE_DIRECTORY", "XDG_CACHE_HOME"}, ".cache", problems);
  complete_directory(plugins.state, values, overrides, main_file, "plugins.state",
                     {"STATE_DIRECTORY", "XDG_STATE_HOME"}, ".local/state", problems);
  complete_worker(values, main_file, problems);
}

} // namespace projector::config
