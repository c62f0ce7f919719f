#include "base/log.hpp"
#include "config/host_tables.hpp"
#include "config/last_good.hpp"
#include "config/load.hpp"
#include "control/adopt.hpp"
#include "control/check.hpp"
#include "control/check_text.hpp"
#include "control/forget.hpp"
#include "control/partition_of.hpp"
#include "control/rebuild.hpp"
#include "control/repartition.hpp"
#include "control/schema.hpp"
#include "control/status.hpp"
#include "control/status_text.hpp"
#include "pg/error.hpp"
#include "plugin/inspect.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

using namespace projector;

/// The command line's values, as written.
struct Arguments {
  std::string configuration_file = "/etc/projectord/projectord.toml";
  std::vector<std::string> plugin_directories;
  std::vector<std::string> set;
  bool connect = false;
  std::vector<std::string> only;
  std::vector<std::string> except;
  std::string role;
  std::string plugin_file;
  std::string projection;
  bool json = false;
  std::vector<std::string> aggregate_ids;
  std::uint32_t partitions = 1;
  std::optional<std::uint32_t> total_workers;
  bool dry_run = false;
  std::optional<std::uint32_t> adopted_partitions;
  std::string from = "checkpoints";
  std::string missed = "refuse";
  bool lowest = false;
  std::int64_t missing_at = 0;
  bool mirrored = false;
};

struct Commands {
  CLI::App* check;
  CLI::App* schema_print;
  CLI::App* schema_apply;
  CLI::App* inspect;
  CLI::App* status;
  CLI::App* rebuild;
  CLI::App* partition;
  CLI::App* repartition;
  CLI::App* adopt;
  CLI::App* forget;
};

void declare_partitions(CLI::App& app, Arguments& arguments, Commands& commands) {
  const CLI::Range count(1u, config::kMostPartitions);
  commands.partition = app.add_subcommand("partition", "Show which partition an aggregate's events go to");
  commands.partition->add_option("AGGREGATE_ID", arguments.aggregate_ids, "Ids of aggregates")
      ->required()
      ->type_name("..")
      ->check(CLI::Validator(control::refuse_aggregate_id, ""));
  commands.partition->add_option("--of", arguments.partitions, "The projection's partition count")
      ->required()
      ->check(count)
      ->type_name("N");
  commands.partition
      ->add_option("--total-workers", arguments.total_workers, "Also show which of so many workers runs it")
      ->check(count)
      ->type_name("T");
  commands.repartition = app.add_subcommand("repartition", "Give a projection's checkpoints another partition count");
  commands.repartition->add_option("NAME", arguments.projection, "The projection; none of its workers may run")
      ->required()
      ->type_name("");
  commands.repartition->add_option("--to", arguments.partitions, "The new partition count")
      ->required()
      ->check(count)
      ->type_name("M");
  commands.repartition->add_flag("--dry-run", arguments.dry_run, "Only show what would be done");
}

void declare_adopt(CLI::App& app, Arguments& arguments, Commands& commands) {
  auto* adopt = commands.adopt =
      app.add_subcommand("adopt", "Continue a projection from the checkpoints of another program");
  adopt->add_option("NAME", arguments.projection, "The projection; no program may handle its events meanwhile")
      ->required()
      ->type_name("");
  adopt->add_option("--partitions", arguments.adopted_partitions, "The count that the old workers ran with")
      ->check(CLI::Range(1u, config::kMostPartitions))
      ->type_name("N");
  adopt->add_option("--from", arguments.from, "Whose rows: checkpoints (checkpoints_table) or core (consumer_segments)")
      ->check(CLI::IsMember({"checkpoints", "core"}))
      ->type_name("SOURCE")
      ->capture_default_str();
  adopt->add_flag("--lowest", arguments.lowest,
                  "Start at the lowest position if the rows do not show which events were handled");
  adopt->add_option("--missing-at", arguments.missing_at, "Where a partition without a row starts")
      ->check(CLI::NonNegativeNumber)
      ->type_name("POSITION")
      ->capture_default_str();
  adopt->add_option("--missed", arguments.missed, "What to do about events that the old program missed")
      ->check(CLI::IsMember({"refuse", "back", "leave"}))
      ->type_name("WHAT")
      ->capture_default_str();
  adopt->add_flag("--dry-run", arguments.dry_run, "Only show what would be done");
}

Commands declare(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", std::string("projectorctl ") + PROJECTOR_VERSION);
  app.fallthrough();
  app.require_subcommand(1);
  app.add_option("--config", arguments.configuration_file, "The main configuration file")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--plugin-dir", arguments.plugin_directories, "Plugin directory, searched first")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--set", arguments.set, "A value on top of the configuration")
      ->type_name("SECTION.KEY=VALUE")
      ->allow_extra_args(false);

  Commands commands{};
  commands.check = app.add_subcommand("check", "Check configuration, plugin files and settings");
  commands.check->add_flag("--connect", arguments.connect, "Also check the databases");
  commands.check->add_option("--only", arguments.only, "Check a host that is started with this --only")
      ->type_name("NAME")
      ->allow_extra_args(false);
  commands.check->add_option("--except", arguments.except, "Check a host that is started with this --except")
      ->type_name("NAME")
      ->allow_extra_args(false);
  auto* schema = app.add_subcommand("schema", "The tables that event store and host need");
  schema->require_subcommand(1);
  commands.schema_print = schema->add_subcommand("print", "Print the SQL, which can be run again at any time");
  commands.schema_apply = schema->add_subcommand("apply", "Run the SQL");
  for (auto* command : {commands.schema_print, commands.schema_apply}) {
    command->add_option("--role", arguments.role, "Also grant this role what a host needs")->type_name("ROLE");
  }
  commands.inspect =
      app.add_subcommand("inspect", "Show a plugin's descriptor and settings, or why its file is refused");
  commands.inspect->add_option("FILE", arguments.plugin_file, "The plugin file")->required()->type_name("");
  commands.status = app.add_subcommand("status", "Show every projection's state, from the databases alone");
  commands.status->add_option("NAME", arguments.projection, "Only this projection, with reasons in full")
      ->type_name("");
  commands.status->add_flag("--json", arguments.json, "For programs, with reasons in full");
  commands.rebuild = app.add_subcommand("rebuild", "Request that a projection's read model is emptied and rebuilt");
  commands.rebuild->add_option("NAME", arguments.projection, "The projection")->required()->type_name("");
  commands.forget = app.add_subcommand("forget", "Delete the stored rows of a projection that is not used any more");
  commands.forget->add_option("NAME", arguments.projection, "The projection; no configuration names it")
      ->required()
      ->type_name("");
  commands.forget->add_flag("--mirrored", arguments.mirrored, "Also delete its rows of read_model.checkpoints_table");
  declare_partitions(app, arguments, commands);
  declare_adopt(app, arguments, commands);
  return commands;
}

config::Overrides overrides(const Arguments& arguments) {
  config::Overrides overrides;
  for (const auto& directory : arguments.plugin_directories) {
    overrides.plugin_directories.emplace_back(directory);
  }
  overrides.set = arguments.set;
  overrides.environment = config::process_environment();
  return overrides;
}

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

int check(const Arguments& arguments) {
  const auto report = control::check(
      arguments.configuration_file, overrides(arguments),
      {{arguments.only.begin(), arguments.only.end()}, {arguments.except.begin(), arguments.except.end()}},
      arguments.connect, base::no_stop());
  print(stderr, control::configuration_problems(report.loaded));
  print(stdout, control::check_text(report));
  return control::exit_code(report);
}

int inspect(const Arguments& arguments) {
  const auto inspection = plugin::inspect(arguments.plugin_file);
  print(inspection.good ? stdout : stderr, inspection.text);
  return inspection.good ? 0 : kFailed;
}

int print_schema(const config::Configuration& configuration, const Arguments& arguments) {
  print(stdout, control::schema_text(configuration, arguments.role));
  return 0;
}

int apply_schema(const config::Configuration& configuration, const Arguments& arguments) {
  for (const auto& part : control::schema_of(configuration, arguments.role)) {
    control::apply_schema(part, base::no_stop());
    print(stdout, "applied to the database of " + part.key +
                      (arguments.role.empty() ? "" : ", with grants for " + arguments.role) + "\n");
  }
  return 0;
}

int status(const config::Loaded& loaded, const Arguments& arguments) {
  auto status = control::gather_status(loaded, base::no_stop());
  if (!arguments.projection.empty()) {
    if (const auto refusal = control::select_projection(status, arguments.projection); !refusal.empty()) {
      print(stderr, refusal + "\n");
      return kFailed;
    }
  }
  if (arguments.json) {
    print(stderr, control::status_notes(status));
  }
  print(stdout,
        arguments.json ? control::status_json(status) : control::status_text(status, !arguments.projection.empty()));
  return control::exit_code(status);
}

int rebuild(const config::Loaded& loaded, const Arguments& arguments) {
  const auto answer = control::request_rebuild(loaded, arguments.projection, base::no_stop());
  print(answer.recorded ? stdout : stderr, answer.text);
  return answer.recorded ? 0 : kFailed;
}

int partition(const Arguments& arguments) {
  print(stdout, control::partition_text(arguments.aggregate_ids, arguments.partitions, arguments.total_workers));
  return 0;
}

int repartition(const config::Loaded& loaded, const Arguments& arguments) {
  // For messages of the plugin and its workers.
  base::set_up_log("warn");
  const auto answer = control::repartition(loaded, {arguments.projection, arguments.partitions, arguments.dry_run},
                                           [](const std::string& text) {
                                             print(stdout, text);
                                             std::fflush(stdout);
                                           });
  print(answer.done ? stdout : stderr, answer.text);
  return answer.done ? 0 : kFailed;
}

int adopt(const config::Loaded& loaded, const Arguments& arguments) {
  using Options = control::AdoptOptions;
  Options options;
  options.projection = arguments.projection;
  options.partitions = arguments.adopted_partitions;
  options.from = arguments.from == "core" ? Options::From::Core : Options::From::Checkpoints;
  options.lowest = arguments.lowest;
  options.missing_at = arguments.missing_at;
  options.missed = arguments.missed == "back"    ? Options::Missed::GoBack
                   : arguments.missed == "leave" ? Options::Missed::Leave
                                                 : Options::Missed::Refuse;
  options.dry_run = arguments.dry_run;
  const auto answer = control::adopt(loaded, options, base::no_stop());
  print(answer.done ? stdout : stderr, answer.text);
  return answer.done ? 0 : kFailed;
}

int forget(const config::Loaded& loaded, const Arguments& arguments) {
  const auto answer = control::forget(loaded, arguments.projection, arguments.mirrored, base::no_stop());
  print(answer.done ? stdout : stderr, answer.text);
  return answer.done ? 0 : kFailed;
}

int run(const Commands& commands, const Arguments& arguments) {
  if (commands.inspect->parsed()) {
    return inspect(arguments);
  }
  if (commands.check->parsed()) {
    return check(arguments);
  }
  if (commands.partition->parsed()) {
    return partition(arguments);
  }
  const auto loaded = config::load_with_last_good(arguments.configuration_file, overrides(arguments));
  print(stderr, control::configuration_problems(loaded));
  if (!loaded.configuration) {
    return kWrongUsage;
  }
  if (commands.schema_print->parsed()) {
    return print_schema(*loaded.configuration, arguments);
  }
  if (commands.rebuild->parsed()) {
    return rebuild(loaded, arguments);
  }
  if (commands.repartition->parsed()) {
    return repartition(loaded, arguments);
  }
  if (commands.forget->parsed()) {
    return forget(loaded, arguments);
  }
  if (commands.adopt->parsed()) {
    return adopt(loaded, arguments);
  }
  return commands.schema_apply->parsed() ? apply_schema(*loaded.configuration, arguments) : status(loaded, arguments);
}

} // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("Inspects a projectord and prepares its databases; works without a running one.");
    Arguments arguments;
    const Commands commands = declare(app, arguments);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : kWrongUsage;
    }
    return run(commands, arguments);
  } catch (const projector::pg::Error& error) {
    print(stderr,
          std::string("projectorctl: ") + error.what() +
              (error.is("42501") && std::string_view(error.what()).find("GRANT") == std::string_view::npos
                   ? "; \"projectorctl schema apply --role ROLE\", run by the tables' owner, grants what a host's "
                     "role needs"
                   : "") +
              "\n");
  } catch (const std::exception& error) {
    print(stderr, std::string("projectorctl: ") + error.what() + "\n");
  }
  return kFailed;
}
