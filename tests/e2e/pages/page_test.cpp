#include "page_test.hpp"

#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <exception>

namespace projector::test {
namespace {

std::string new_store() {
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  return dsn;
}

} // namespace

PageTest::PageTest() : dsn_(new_store()), host_(dsn_) {}

void PageTest::install(const Page& page, const std::string& part, const std::string& name) {
  host_.install_file(build_plugin(page.code_with(part), name, built_.path()), name);
}

std::string PageTest::ctl(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config",
                                   host_.configuration_file().string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Finished finished = run_program(command);
  EXPECT_EQ(finished.code, 0) << finished.output;
  return finished.output;
}

bool PageTest::caught_up() {
  return eventually(
      [&] {
        return value("SELECT min(position) >= (SELECT coalesce(max(global_position), 0) FROM events) FROM "
                     "projector_checkpoints") == "t";
      },
      std::chrono::seconds(60));
}

bool PageTest::becomes(const std::string& sql, const std::string& expected) {
  return eventually([&] {
    try {
      return value(sql) == expected;
    } catch (const std::exception&) {
      return false; // a table that the host or a plugin has not made yet
    }
  });
}

std::string PageTest::difference(const std::string& found, const std::string& expected) {
  return value(fmt::format("SELECT count(*) FROM (({0} EXCEPT ALL {1}) UNION ALL ({1} EXCEPT ALL {0})) AS difference",
                           found, expected));
}

std::string PageTest::value(const std::string& sql) {
  return query_value(dsn_, sql);
}

std::string PageTest::deadlocks_after_stop() {
  EXPECT_EQ(host_.stop(), 0) << host_.log();
  // A session's counts are complete when it has ended.
  EXPECT_TRUE(becomes("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name "
                      "LIKE 'projectord%'",
                      "0"));
  return value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
}

} // namespace projector::test
