#pragma once

#include "pg/pool.hpp"
#include "projection/batch_transaction.hpp"
#include "projection/checkpoint.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::projection {

/// A database of the test's own with the host's tables, and a session in it for queries.
class ProjectionTest : public ::testing::Test {
protected:
  [[nodiscard]] pg::ConnectOptions options() const { return {.dsn = dsn_, .settings = {}}; }
  /// The first column of the first row.
  std::string look(std::string_view sql) { return std::string(observer_.exec(sql).bytes(0, 0)); }
  /// All cells of all rows, each row as "a|b", separated by blanks.
  std::string table(std::string_view sql) {
    const auto rows = observer_.exec(sql);
    std::string text;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      text += row == 0 ? "" : " ";
      for (std::size_t column = 0; column < rows.columns(); ++column) {
        text += (column == 0 ? "" : "|") + std::string(rows.bytes(row, column));
      }
    }
    return text;
  }
  void run(std::string_view sql) { observer_.script(sql); }

  static CheckpointRequest request(const CheckpointKey& key, std::int64_t store_last = 1000,
                                   std::int64_t start_position = 0) {
    CheckpointRequest request;
    request.key = key;
    request.projection = "revenue";
    request.plugin = "sums";
    request.read_model_version = 1;
    request.store = "7000/1/2";
    request.store_last = store_last;
    request.start_position = start_position;
    return request;
  }
  OpenedCheckpoint open(const CheckpointRequest& wanted) { return open_checkpoint(observer_, tables_, wanted); }
  std::string checkpoints() { return table("SELECT name, position FROM projector_checkpoints ORDER BY name"); }
  std::string mirror() {
    return table("SELECT projection_name, last_global_position FROM projection_checkpoints ORDER BY 1");
  }
  /// Waits until a session waits for a lock.
  void wait_for_lock_wait() {
    ASSERT_TRUE(test::eventually([&] {
      return look("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
                  "'Lock'") != "0";
    }));
  }

  std::string dsn_ = test::PrivatePostgres::shared().create_database();
  pg::Connection observer_{{.dsn = dsn_, .settings = {}}, base::no_stop()};
  CheckpointTables tables_ = open_tables(observer_, "projection_checkpoints");
};

/// One parameter in text format.
inline projector_value text_value(std::string_view text, std::uint32_t oid = 0) {
  return {text.data(), text.size(), oid, 0};
}

/// Adds a pool and one projection "revenue" with a checkpoint at 0 and a table seen(position).
class TransactionTest : public ProjectionTest {
protected:
  void SetUp() override {
    const auto opened = open(request(key_));
    ASSERT_TRUE(opened.checkpoint);
    epoch_ = opened.checkpoint->epoch;
    run("CREATE TABLE seen (position bigint PRIMARY KEY)");
  }
  [[nodiscard]] TransactionOptions transaction_options(const std::string& projection = "revenue") const {
    TransactionOptions options;
    options.projection = projection;
    options.key = key_;
    return options;
  }
  [[nodiscard]] BatchTransaction::Move move(std::int64_t from, std::int64_t to) const {
    return {from, to, epoch_, base::Clock::now(), {}, {}};
  }
  static plugin::Verdict exec(BatchTransaction& transaction, const std::string& sql,
                              const std::vector<projector_value>& values = {},
                              std::uint32_t event_index = PROJECTOR_NO_EVENT, std::uint32_t flags = 0) {
    return transaction.exec(event_index, flags, sql.c_str(), values.data(), values.size());
  }
  /// The first cell of a query that is expected to succeed; "NULL" if it is NULL.
  static std::string query(BatchTransaction& transaction, const std::string& sql,
                           const std::vector<projector_value>& values = {}) {
    std::unique_ptr<plugin::Rows> rows;
    const auto verdict = transaction.query(PROJECTOR_NO_EVENT, 0, sql.c_str(), values.data(), values.size(), rows);
    EXPECT_EQ(verdict.status, PROJECTOR_OK) << verdict.text;
    projector_value cell{};
    if (!rows || !rows->get(0, 0, cell)) {
      ADD_FAILURE() << "no cell: " << sql;
      return {};
    }
    return cell.data == nullptr ? "NULL" : std::string(cell.data, cell.size);
  }
  std::string seen() { return table("SELECT position FROM seen ORDER BY 1"); }

  const CheckpointKey key_{"revenue", 0, 1};
  std::int64_t epoch_ = 0;
  base::Stop stop_;
  pg::Pool pool_{{.connect = options(), .size = 4, .most = 8}};
  BatchTransaction transaction_{pool_, tables_, transaction_options(), stop_};
};

} // namespace projector::projection
