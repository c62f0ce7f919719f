#include "control/adopt.hpp"

#include "control/adopt_text.hpp"
#include "control/find_projection.hpp"
#include "control/plugin_check.hpp"
#include "pg/transaction.hpp"
#include "projection/adoption.hpp"
#include "projection/stored_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace projector::control {
namespace {

AdoptAnswer refused(const std::string& text) {
  return {false, text + "\n"};
}

/// One run of the command.
class Command {
public:
  Command(const config::Configuration& configuration, const AdoptOptions& options, config::Projection projection,
          const base::Stop& stop)
      : options_(options), projection_(std::move(projection)), stop_(stop),
        checkpoints_table_(configuration.read_model.checkpoints_table),
        events_(session(configuration.event_store.dsn), stop), read_model_(session(configuration.read_model.dsn), stop),
        store_(check_store(events_, configuration.event_store.events_table)) {}

  AdoptAnswer run(const PluginCheck& plugin);

private:
  static pg::ConnectOptions session(const std::string& dsn) {
    pg::ConnectOptions options;
    options.dsn = dsn;
    options.application_name = "projectorctl";
    return options;
  }
  static eventlog::Store check_store(pg::Connection& connection, const std::string& events_table) {
    const pg::Transaction transaction(connection, eventlog::begin_reading());
    return eventlog::check_store(connection, events_table);
  }
  std::string choose_source();
  std::string choose_partitions();
  std::string look_for_missed();
  std::optional<projection::CoreSegments> read_core();

  const AdoptOptions& options_;
  config::Projection projection_;
  const base::Stop& stop_;
  std::string checkpoints_table_;
  pg::Connection events_;
  pg::Connection read_model_;
  eventlog::Store store_;
  projection::CheckpointTables tables_;
  std::optional<projection::CoreSegments> core_;
  AdoptionFindings findings_;
};

/// Reads them in the read model's database, else in the event store's.
std::optional<projection::CoreSegments> Command::read_core() {
  auto found = projection::read_core_segments(read_model_, projection_.checkpoint);
  return found ? found : projection::read_core_segments(events_, projection_.checkpoint);
}

/// Finds the rows to take over. Returns why there are none; empty if there are.
std::string Command::choose_source() {
  tables_ = projection::find_present_tables(read_model_, checkpoints_table_);
  findings_.request.table = tables_.mirror.empty() ? checkpoints_table_ : tables_.mirror;
  if (options_.from == AdoptOptions::From::Core) {
    core_ = read_core();
    if (!core_) {
      return fmt::format("neither database has a readable table consumer_segments with rows of consumer {}; the "
                         "consumer's name is the projection's `checkpoint`",
                         projection_.checkpoint);
    }
    findings_.request.table = core_->table;
  } else if (projection::read_mirrored_rows(read_model_, tables_, projection_.checkpoint).empty() && read_core()) {
    return fmt::format("{} has no row of {}, but pupsourcing/core has kept its checkpoints in consumer_segments: run "
                       "\"projectorctl adopt {} --from core\"",
                       findings_.request.table, projection_.checkpoint, projection_.name);
  }
  return {};
}

/// Sets the partition count. Returns why it is not known; empty if it is.
std::string Command::choose_partitions() {
  if (options_.partitions) {
    findings_.request.partitions = *options_.partitions;
    return {};
  }
  if (core_) {
    std::set<std::uint32_t> totals;
    for (const auto& segment : core_->segments) {
      totals.insert(segment.total);
    }
    findings_.request.partitions = *totals.rbegin();
    return totals.size() == 1 ? ""
                              : fmt::format("{} has segments of {} that were made for several counts ({}); add "
                                            "--partitions N with the count that the workers last ran with",
                                            core_->table, projection_.checkpoint, fmt::join(totals, ", "));
  }
  if (const auto own = projection::read_own_rows(read_model_, tables_, projection_.checkpoint)) {
    findings_.request.partitions = own->partitions;
    return {};
  }
  const auto rows = projection::read_mirrored_rows(read_model_, tables_, projection_.checkpoint);
  std::vector<std::string> names;
  std::transform(rows.begin(), rows.end(), std::back_inserter(names), [](const auto& row) { return row.name; });
  return fmt::format("add --partitions N with the partition count that the old workers ran with, which the rows do not "
                     "tell: a worker that has never run has none; found {}",
                     names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

/// Looks for events that the old program has missed. Returns why that cannot be completed; empty if it was.
std::string Command::look_for_missed() {
  auto& plan = findings_.plan;
  const auto wait = options_.dry_run ? base::Duration::zero() : options_.wait;
  findings_.missed = find_missed_events(events_, store_, plan, wait, stop_);
  if (!findings_.missed.holders.empty() && !options_.dry_run) {
    return fmt::format("transactions that may still commit events below the rows have not ended: {}; end them and run "
                       "this again",
                       findings_.missed.holders);
  }
  if (options_.missed == AdoptOptions::Missed::GoBack) {
    for (const auto& event : findings_.missed.events) {
      auto& partition = plan.partitions[event.partition];
      partition.position = std::min(partition.position, event.position - 1);
    }
  }
  return {};
}

AdoptAnswer Command::run(const PluginCheck& plugin) {
  auto& request = findings_.request;
  request.projection = projection_.name;
  request.checkpoint = projection_.checkpoint;
  request.lowest = options_.lowest;
  request.missing_at = options_.missing_at;
  auto refusal = choose_source();
  if (refusal.empty()) {
    refusal = choose_partitions();
  }
  if (!refusal.empty()) {
    return refused(refusal);
  }
  const projection::AdoptedProjection adopted{projection_.plugin, plugin.read_model_version, store_.identity.store,
                                              store_.last_value};
  findings_.plan = projection::look_at_adoption(read_model_, tables_, request, adopted, core_);
  if (!findings_.plan.refusal.empty()) {
    return refused(findings_.plan.refusal);
  }
  refusal = look_for_missed();
  if (!refusal.empty()) {
    return refused(refusal);
  }
  findings_.repeated = count_repeated(events_, store_, findings_.plan);
  const std::string text = findings_text(findings_);
  if (!findings_.missed.events.empty() && options_.missed == AdoptOptions::Missed::Refuse) {
    return {false, text + missed_refusal(findings_)};
  }
  if (options_.dry_run) {
    const auto waits =
        findings_.missed.holders.empty()
            ? ""
            : fmt::format("It would wait for transactions in flight first: {}.\n", findings_.missed.holders);
    return {true, text + waits + "Nothing was changed: this was a dry run.\n"};
  }
  tables_ = projection::open_tables(read_model_, checkpoints_table_);
  if (core_) {
    core_ = read_core();
  }
  refusal = projection::adopt(read_model_, tables_, request, adopted, core_, findings_.plan);
  return refusal.empty() ? AdoptAnswer{true, text + adopted_text(projection_, findings_)} : refused(refusal);
}

} // namespace

AdoptAnswer adopt(const config::Loaded& loaded, const AdoptOptions& options, const base::Stop& stop) {
  const auto found = find_projection(*loaded.configuration, options.projection);
  if (!found.wanted) {
    return refused(found.refusal);
  }
  const auto& projection = found.wanted->projection;
  if (!found.wanted->plugin) {
    return refused(fmt::format("no plugin directory holds {}.so, which tells the version of the read model that is "
                               "taken over: put it there first",
                               projection.plugin));
  }
  const PluginCheck plugin = check_plugin(found.wanted->plugin->file, {});
  if (!plugin.refusal.empty()) {
    return refused(plugin.refusal);
  }
  return Command(*loaded.configuration, options, projection, stop).run(plugin);
}

} // namespace projector::control
