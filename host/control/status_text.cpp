#include "control/status_text.hpp"

#include "base/clean_text.hpp"
#include "control/text_table.hpp"
#include "projection/checkpoint_refusal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace projector::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestText = 4096;
/// The least width of a reason, even if the other columns leave less of a usual terminal's width.
constexpr std::size_t kLongestReason = 120;

/// Stored text may come from others; it must not move the cursor or break the line.
std::string clean(const std::string& text) {
  return base::clean_text(text, kLongestText);
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : clean(text);
}

std::string or_dash(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// Rounded to milliseconds.
double seconds(base::Duration duration) {
  return static_cast<double>(std::chrono::round<std::chrono::milliseconds>(duration).count()) / 1000.0;
}

Json partition_json(const PartitionStatus& status) {
  const auto of_worker = [&](auto member) { return status.worker ? Json((*status.worker).*member) : Json(nullptr); };
  Json json;
  json["projection"] = status.projection;
  json["partition"] = status.partition;
  json["partitions"] = status.partitions;
  json["checkpoint"] = status.checkpoint;
  json["state"] = status.state;
  json["reason"] = status.reason;
  json["position"] = or_null(status.position);
  json["lag"] = or_null(status.lag);
  json["behind_seconds"] = status.behind ? Json(seconds(*status.behind)) : Json(nullptr);
  json["host"] = of_worker(&RunningWorker::host);
  json["plugin"] = status.plugin;
  json["plugin_version"] = of_worker(&RunningWorker::plugin_version);
  json["generation"] = of_worker(&RunningWorker::generation);
  json["thread"] = of_worker(&RunningWorker::thread);
  json["process"] = of_worker(&RunningWorker::process);
  json["restarts"] = of_worker(&RunningWorker::restarts);
  json["private_bytes"] = of_worker(&RunningWorker::private_bytes);
  json["cpu_seconds"] = status.worker ? Json(seconds(status.worker->cpu)) : Json(nullptr);
  json["handled"] = of_worker(&RunningWorker::handled);
  json["heartbeat_age_seconds"] = status.worker ? Json(seconds(status.worker->heartbeat_age)) : Json(nullptr);
  json["other_hosts"] = Json::array();
  for (const auto& other : status.others) {
    json["other_hosts"].push_back({{"host", other.host}, {"state", other.state}});
  }
  return json;
}

std::string memory_text(std::int64_t bytes) {
  constexpr double kMiB = 1 << 20;
  return fmt::format("{:.1f}M", static_cast<double>(bytes) / kMiB);
}

/// The columns about the plugin's process.
void append_process(std::vector<std::string>& row, const std::optional<RunningWorker>& worker) {
  const bool runs = worker && worker->process != 0;
  row.push_back(runs ? std::to_string(worker->process) : "-");
  row.push_back(runs ? memory_text(worker->private_bytes) : "-");
  row.push_back(runs ? age_text(worker->cpu) : "-");
  row.push_back(worker ? std::to_string(worker->restarts) : "-");
}

/// The reason, and the other hosts that are ready to run the partition.
std::string remarks(const PartitionStatus& status) {
  std::string text = status.reason;
  if (projection::waits_for_rebuild(status.reason)) {
    text = fmt::format("a rebuild waits for \"projectorctl rebuild {}\": {}", status.projection, status.reason);
  }
  for (const auto& other : status.others) {
    text += fmt::format("{}host {} is ready to run it, too ({})", text.empty() ? "" : "; ", other.host, other.state);
  }
  return text;
}

} // namespace

std::string age_text(base::Duration age) {
  using namespace std::chrono;
  const auto whole = duration_cast<std::chrono::seconds>(age).count();
  if (age < milliseconds(50)) {
    return "0s";
  }
  if (age < std::chrono::seconds(10)) {
    return fmt::format("{:.1f}s", static_cast<double>(age.count()) / 1e6);
  }
  if (whole < 60) {
    return fmt::format("{}s", whole);
  }
  if (whole < 3600) {
    return fmt::format("{}m{}s", whole / 60, whole % 60);
  }
  if (whole < 86400) {
    return fmt::format("{}h{}m", whole / 3600, whole % 3600 / 60);
  }
  return fmt::format("{}d{}h", whole / 86400, whole % 86400 / 3600);
}

std::string status_notes(const Status& status) {
  std::string notes;
  if (!status.tables_present) {
    notes +=
        "nothing has run here yet: the read model's database does not have the host's tables, which the first start "
        "or \"projectorctl schema apply\" makes\n";
  }
  if (!status.lacking.empty()) {
    notes += fmt::format("the host's tables in the read model's database lack columns that this version keeps: {}; run "
                         "\"projectorctl schema apply\" as their owner (a host whose role owns them adds the columns "
                         "at its start)\n",
                         fmt::join(status.lacking, ", "));
  }
  if (!status.event_store.trouble.empty()) {
    notes += "the event store cannot be read, so lag is not known: " + clean(status.event_store.trouble) + "\n";
  }
  return notes;
}

std::string status_text(const Status& status, bool whole_reasons) {
  std::vector<std::vector<std::string>> rows = {{"PROJECTION", "PARTITION", "STATE", "POSITION", "LAG", "BEHIND",
                                                 "HOST", "PID", "MEMORY", "CPU", "RESTARTS", "REASON"}};
  std::string whole;
  bool cut = false;
  for (const auto& partition : status.partitions) {
    const std::string all = clean(remarks(partition));
    const std::string shown = base::clean_text(all, kLongestReason);
    cut = cut || shown != all;
    rows.push_back({clean(partition.projection), fmt::format("{}/{}", partition.partition, partition.partitions),
                    clean(partition.state), or_dash(partition.position), or_dash(partition.lag),
                    partition.behind ? age_text(*partition.behind) : "-",
                    or_dash(partition.worker ? partition.worker->host : "")});
    append_process(rows.back(), partition.worker);
    rows.back().push_back(shown);
    if (whole_reasons && shown != all) {
      whole +=
          fmt::format("{} {}/{}: {}\n", clean(partition.projection), partition.partition, partition.partitions, all);
    }
  }
  const bool none = status.partitions.empty();
  const std::string empty = status.tables_present ? "no projection is configured, and none has run\n" : "";
  const std::string hint =
      cut && !whole_reasons ? "\"projectorctl status NAME\" and \"projectorctl status --json\" show reasons in full\n"
                            : "";
  return status_notes(status) + (none ? empty : text_table(rows)) + whole + hint;
}

std::string status_json(const Status& status) {
  Json json;
  json["event_store"]["last_position"] = or_null(status.event_store.last_position);
  if (!status.event_store.trouble.empty()) {
    json["event_store"]["error"] = status.event_store.trouble;
  }
  json["projections"] = Json::array();
  for (const auto& partition : status.partitions) {
    json["projections"].push_back(partition_json(partition));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace projector::control
