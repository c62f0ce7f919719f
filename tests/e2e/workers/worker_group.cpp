#include "worker_group.hpp"

#include "projection/host_identity.hpp"
#include "support/event_writers.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

namespace projector::test {

WorkerGroup::WorkerGroup(std::string dsn, std::uint32_t total, const std::vector<std::string>& plugins,
                         const std::string& projections)
    : dsn_(std::move(dsn)) {
  for (std::uint32_t id = 0; id < total; ++id) {
    auto& host = *hosts_.emplace_back(std::make_unique<HostProcess>(dsn_));
    for (const auto& plugin : plugins) {
      host.install_plugin(plugin);
    }
    host.write_projection_file("all", projections);
  }
}

void WorkerGroup::start(std::uint32_t id, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"--worker-id", std::to_string(id), "--total-workers", std::to_string(total())};
  all.insert(all.end(), arguments.begin(), arguments.end());
  hosts_.at(id)->start(all, {{"PGAPPNAME", fmt::format("worker {}", id)}});
}

std::string WorkerGroup::host_name(std::uint32_t id) const {
  return projection::HostIdentity::of_process(hosts_.at(id)->pid()).text();
}

bool WorkerGroup::caught_up() const {
  return eventually(
      [&] {
        return value_or_nothing(dsn_, "SELECT min(position) >= (SELECT max(global_position) FROM events) FROM "
                                      "projector_checkpoints") == "t";
      },
      std::chrono::seconds(300));
}

std::string WorkerGroup::logs() const {
  std::string all;
  for (std::size_t id = 0; id < hosts_.size(); ++id) {
    all += fmt::format("-- worker {}\n{}", id, hosts_[id]->log());
  }
  return all;
}

std::string projection_tables(const std::vector<std::string>& names, const std::string& keys) {
  std::string tables;
  for (const auto& name : names) {
    tables += fmt::format("[projection.{}]\n{}", name, keys);
  }
  return tables;
}

std::string value_or_nothing(const std::string& dsn, const std::string& sql) {
  try {
    return query_value(dsn, sql);
  } catch (const std::exception&) {
    return {};
  }
}

bool becomes(const std::string& dsn, const std::string& sql, const std::string& value) {
  return eventually([&] { return value_or_nothing(dsn, sql) == value; }, std::chrono::seconds(60));
}

} // namespace projector::test
