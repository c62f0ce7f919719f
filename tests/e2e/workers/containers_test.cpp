#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <memory>

namespace projector::test {
namespace {

/// Two hosts as in containers of one image: both are process 1 on a machine named "web". Effects leave the database.
class Containers : public testing::Test {
protected:
  void SetUp() override {
    create_event_store(dsn_);
    append(20);
    for (std::size_t which = 0; which < 2; ++which) {
      auto& host = *hosts_.emplace_back(std::make_unique<HostProcess>(dsn_));
      host.install_plugin("external");
      host.write_projection_file("external", "[projection.external]\nrestart_interval = \"1s\"\n");
      host.run_under(container());
    }
  }
  /// A pid and a host name of its own. Empty where this system lets nobody have them: start then gives the process
  /// another identity instead.
  static std::vector<std::string> container() {
    for (const bool as_user : {false, true}) {
      std::vector<std::string> words{"unshare"};
      if (as_user) {
        words.insert(words.end(), {"--user", "--map-root-user"});
      }
      words.insert(words.end(), {"--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "sh", "-c",
                                 "hostname web && exec \"$0\" \"$@\""});
      auto attempt = words;
      attempt.push_back("true");
      if (run_program(attempt).code == 0) {
        return words;
      }
    }
    return {};
  }
  void start(std::size_t which) {
    std::map<std::string, std::string> environment;
    if (container().empty()) {
      environment["PROJECTOR_TEST_IDENTITY"] = fmt::format("web/place{}-1/1", which);
    }
    hosts_[which]->start({}, environment);
  }
  void append(int events) {
    query_value(dsn_, fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, "
                                  "aggregate_version, event_id, event_type, payload) SELECT 'c', 't', 'a' || i, {}, "
                                  "gen_random_uuid(), 'Happened', '' FROM generate_series(1, {}) i",
                                  ++version_, events));
  }
  std::size_t effects(std::size_t which) {
    std::ifstream file(hosts_[which]->state_directory() / "external" / "events");
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line);) {
      ++lines;
    }
    return lines;
  }
  bool shows(const std::string& states) {
    return becomes(dsn_, "SELECT string_agg(state, ' ' ORDER BY state) FROM projector_workers", states);
  }
  bool stored(int position) {
    return becomes(dsn_, "SELECT position FROM projector_checkpoints", std::to_string(position));
  }
  std::string logs() { return hosts_[0]->log() + "--\n" + hosts_[1]->log(); }

  const std::string dsn_ = PrivatePostgres::shared().create_database();
  std::vector<std::unique_ptr<HostProcess>> hosts_;
  int version_ = 0;
};

TEST_F(Containers, OfOneHostNameAndProcessIdAreTwoHosts) {
  start(0);
  ASSERT_TRUE(stored(20)) << logs();
  start(1);
  ASSERT_TRUE(shows("live standby")) << logs();
  append(20);
  ASSERT_TRUE(stored(40)) << logs();
  EXPECT_EQ(effects(0), 40u) << logs();
  EXPECT_EQ(effects(1), 0u) << logs();
  hosts_[0]->kill();
  append(20);
  ASSERT_TRUE(stored(60)) << logs();
  EXPECT_EQ(effects(0) + effects(1), 60u) << logs();
}

} // namespace
} // namespace projector::test
