#ifdef WITH_RUST
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace projector::test {
namespace {

class RustSample : public testing::Test {
protected:
  RustSample() : dsn_(PrivatePostgres::shared().create_database()), host_(dsn_) {
    create_event_store(dsn_);
    host_.install_plugin("rust_sample");
  }

  /// Runs it in `partitions` with these settings.
  void start(int partitions, const std::string& settings) {
    host_.write_projection_file(
        "rust_sample",
        fmt::format(
            "[projection.rust_sample]\npartitions = {}\nbatch_size = 20\nretry_backoff = "
            "\"20ms\"\nretry_backoff_max = \"20ms\"\nmax_retries = 100000\n[projection.rust_sample.settings]\n{}",
            partitions, settings));
    host_.start();
  }
  void append(const std::string& type, const std::string& payload) {
    query_value(dsn_, fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, "
                                  "aggregate_version, event_id, event_type, payload) VALUES ('s', 'Thing', "
                                  "gen_random_uuid()::text, 1, gen_random_uuid(), '{}', '{}')",
                                  type, payload));
  }
  bool becomes(const std::string& sql, const std::string& expected) {
    return eventually([&] {
      try {
        return query_value(dsn_, sql) == expected;
      } catch (const std::exception&) {
        return false;
      }
    });
  }

  const std::string dsn_;
  HostProcess host_;
};

TEST_F(RustSample, CountsUnderLoadInPartitions) {
  start(6, "");
  EventWriters(dsn_, {.writers = 3, .events = 3000, .seed = 21}).join();
  EXPECT_TRUE(eventually([&] {
    try {
      return read_model_difference(dsn_, "rust_sample", "rust_sample") == 0;
    } catch (const std::exception&) {
      return false;
    }
  })) << host_.log();
  EXPECT_EQ(host_.stop(), 0);
  EXPECT_EQ(host_.log().find("deadlock"), std::string::npos) << host_.log();
}

TEST_F(RustSample, RejectsAPayloadThatIsNotUtf8AndNamesIt) {
  append("Named", "fine");
  append("Odd", "\\xff");
  start(1, "text_only = true\n");
  EXPECT_TRUE(
      becomes("SELECT count(*) FROM projector_workers WHERE state = 'failed' AND reason LIKE 'event at position "
              "2 (Odd of Thing %) was rejected: the payload is no text: %'",
              "1"))
      << host_.log();
  EXPECT_EQ(query_value(dsn_, "SELECT string_agg(event_type || events, ',') FROM rust_sample_counts"), "Named1");
}

TEST_F(RustSample, WaitsForALabelThatComesLate) {
  query_value(dsn_, "CREATE TABLE labels (event_type text PRIMARY KEY, label text)");
  query_value(dsn_, "INSERT INTO labels VALUES ('Born', 'life')");
  append("Born", "");
  append("Died", "");
  start(1, "labels_table = \"labels\"\n");
  ASSERT_TRUE(host_.logs("Died has no label in the table labels yet")) << host_.log();
  query_value(dsn_, "INSERT INTO labels VALUES ('Died', 'life')");
  EXPECT_TRUE(becomes("SELECT string_agg(event_type || events, ',') FROM rust_sample_counts", "life2")) << host_.log();
}

} // namespace
} // namespace projector::test
#endif
