#pragma once

#include "pg/projection/projection_test.hpp"
#include "plugin/settings.hpp"
#include "plugin/staged_plugin.hpp"
#include "projection/worker.hpp"
#include "supervisor/stores.hpp"
#include "support/temporary_directory.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <fstream>
#include <mutex>

namespace projector::projection {

/// Workers with the test plugins, on a fake event log and a real read model.
class WorkerTest : public ProjectionTest {
protected:
  void SetUp() override {
    projection_.name = projection_.checkpoint = "seen";
    projection_.batch_size = 10;
    projection_.checkpoint_interval = std::chrono::milliseconds(5);
    projection_.retry_backoff = std::chrono::milliseconds(1);
    projection_.retry_backoff_max = std::chrono::milliseconds(5);
    projection_.restart_interval = base::Duration::zero();
    bookkeeper_->publish_from([this] {
      const std::lock_guard lock(mutex_);
      return worker_ ? std::vector<WorkerStatus>{worker_->status()} : std::vector<WorkerStatus>();
    });
  }
  void TearDown() override {
    stop();
    bookkeeper_.reset();
  }
  static Bookkeeper::Options bookkeeping(const pg::ConnectOptions& connect) {
    Bookkeeper::Options options;
    options.connect = connect;
    options.host = "here/1";
    return options;
  }
  /// Starts a worker of this plugin. Each setting is a key that the plugin declares, and its value.
  void start(const std::string& plugin, const std::vector<std::pair<std::string, std::string>>& settings = {}) {
    projection_.plugin = plugin;
    const auto staged = plugin::StagedPlugin::stage(
        std::filesystem::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (plugin + ".so"), staging_.path(), runner_host_);
    ASSERT_TRUE(staged.plugin) << staged.refusal->reason;
    std::vector<plugin::Settings::Entry> entries;
    for (const auto& [key, value] : settings) {
      entries.push_back({key, value});
    }
    assignment_.projection = projection_;
    assignment_.partition = partition_;
    assignment_.plugin = staged.plugin;
    assignment_.settings = plugin::Settings(entries);
    assignment_.state_directory = temporary_.path().string();
    const std::lock_guard lock(mutex_);
    worker_ = std::make_unique<Worker>(assignment_, services_);
  }
  void stop() {
    std::unique_ptr<Worker> worker;
    {
      const std::lock_guard lock(mutex_);
      worker.swap(worker_);
    }
  }
  bool reaches(State state) {
    return test::eventually([&] { return worker_->status().state == state; });
  }
  bool stores(std::int64_t position) {
    return test::eventually([&] { return checkpoints() == "seen|" + std::to_string(position); });
  }
  std::string seen() { return table("SELECT global_position FROM seen_seen ORDER BY 1"); }
  std::string lines() const {
    std::ifstream file(temporary_.path() / "events");
    std::string text;
    for (std::string line; std::getline(file, line);) {
      text += (text.empty() ? "" : " ") + line.substr(line.find(' ') + 1);
    }
    return text;
  }

  test::TemporaryDirectory temporary_;
  plugin::StagingDirectory staging_{temporary_.path() / "staging"};
  test::FakeEventLog log_;
  const plugin::RunnerHost runner_host_ = supervisor::runner_host_of(log_);
  pg::Pool pool_{{.connect = options(), .size = 4, .most = 8}};
  std::optional<Bookkeeper> bookkeeper_{std::in_place, bookkeeping(options()), tables_, log_};
  CheckpointWriter checkpoints_{{.connect = options(), .report = {}}, tables_, log_};
  WorkerServices services_{.log = log_,
                           .pool = pool_,
                           .tables = tables_,
                           .checkpoints = checkpoints_,
                           .bookkeeper = *bookkeeper_,
                           .runner_host = runner_host_,
                           .host = "here/1",
                           .synchronous_commit = "off",
                           .changed = [this] { bookkeeper_->poke(); }};
  config::Projection projection_;
  WorkerAssignment assignment_; ///< what start fills in, and what a test has set before
  std::uint32_t partition_ = 0;
  std::mutex mutex_; ///< guards worker_ against the bookkeeper's thread
  std::unique_ptr<Worker> worker_;
};

inline std::string sequence(int first, int last) {
  std::string text;
  for (; first <= last; ++first) {
    text += (text.empty() ? "" : " ") + std::to_string(first);
  }
  return text;
}

} // namespace projector::projection
