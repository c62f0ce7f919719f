#include "runner/host_table.hpp"

#include "unit/plugin/fake_statement_sink.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <optional>

namespace projector::runner {
namespace {

using plugin::Verdict;
using plugin::test::FakeStatementSink;

/// The function table as a plugin sees it, in the middle of a call with three events.
class HostTableTest : public ::testing::Test {
protected:
  HostTableTest()
      : host_(
            [this](std::int32_t level, const std::string& text) {
              log_ = {level, text};
            },
            [] { return false; }) {
    call_.emplace(host_, &sink_, 3);
    error_ = {sizeof error_, PROJECTOR_NO_EVENT, text_.data(), text_.size()};
  }

  projector_status exec(const char* sql, std::uint32_t event_index = PROJECTOR_NO_EVENT) {
    return table_.exec(table_.ctx, call_->transaction(), event_index, 0, sql, nullptr, 0, &error_);
  }

  FakeStatementSink sink_;
  std::pair<std::int32_t, std::string> log_;
  HostTable host_;
  const projector_host& table_ = host_.table();
  std::optional<HostTable::Call> call_;
  std::array<char, 1024> text_{};
  projector_error error_ = {};
};

TEST_F(HostTableTest, Table) {
  EXPECT_EQ(table_.struct_size, sizeof(projector_host));
  EXPECT_EQ(table_.abi_minor, PROJECTOR_ABI_MINOR);
  EXPECT_EQ(table_.get_extension(table_.ctx, "anything/1"), nullptr);
  EXPECT_EQ(table_.stopping(table_.ctx), 0);
}

TEST_F(HostTableTest, LogIsCleanedAndBounded) {
  table_.log(table_.ctx, 99, {"a\nb\xff", 4});
  EXPECT_EQ(log_, (std::pair<std::int32_t, std::string>{PROJECTOR_LOG_ERROR, "a b\xEF\xBF\xBD"}));
  table_.log(table_.ctx, -1, {nullptr, 5});
  EXPECT_EQ(log_, (std::pair<std::int32_t, std::string>{PROJECTOR_LOG_DEBUG, ""}));
  const std::string much(100000, 'x');
  table_.log(table_.ctx, PROJECTOR_LOG_WARN, {much.data(), much.size()});
  EXPECT_EQ(log_.second.size(), 8192U);
}

TEST_F(HostTableTest, AnEventOutOfTheBatchIsNone) {
  EXPECT_EQ(exec("SELECT 1", 2), PROJECTOR_OK);
  EXPECT_EQ(exec("SELECT 1", 3), PROJECTOR_OK);
  EXPECT_EQ(sink_.taken[0].event_index, 2U);
  EXPECT_EQ(sink_.taken[1].event_index, PROJECTOR_NO_EVENT);
}

TEST_F(HostTableTest, BadArgumentsAreFatal) {
  const auto expect_refused = [&](std::uint32_t flags, const char* sql, const projector_value* params, std::size_t n,
                                  const std::string& text) {
    EXPECT_EQ(table_.exec(table_.ctx, call_->transaction(), 0, flags, sql, params, n, &error_), PROJECTOR_FATAL);
    EXPECT_EQ(error_.text, text);
    EXPECT_EQ(error_.event_index, PROJECTOR_NO_EVENT);
  };
  const projector_value huge = {"x", (std::size_t{1} << 30) + 1, 0, 1};
  expect_refused(0, nullptr, nullptr, 0, "exec: sql is NULL, expected a statement");
  expect_refused(0, "SELECT $1", nullptr, 1, "exec: params is NULL, expected 1 parameters");
  expect_refused(0, "SELECT $1", &huge, 65536, "exec: 65536 parameters, expected at most 65535");
  expect_refused(0, "SELECT $1", &huge, 1, "exec: parameter 1 has 1073741825 bytes, expected at most 1073741824");
  expect_refused(4, "SELECT 1", nullptr, 0, "exec: flags are 0x4, of which this host knows 0x3 only");
  EXPECT_TRUE(sink_.taken.empty());
  EXPECT_EQ(call_->failure().value().text, "exec: sql is NULL, expected a statement"); // the first
}

TEST_F(HostTableTest, ANullTransactionIsFatal) {
  EXPECT_EQ(table_.exec(table_.ctx, nullptr, 0, 0, "SELECT 1", nullptr, 0, &error_), PROJECTOR_FATAL);
  EXPECT_STREQ(error_.text, "exec or query: tx used outside its call");
  EXPECT_EQ(call_->failure().value().status, PROJECTOR_FATAL);
}

TEST_F(HostTableTest, EveryCallHasAnotherToken) {
  projector_tx* first = call_->transaction();
  call_.reset();
  EXPECT_EQ(table_.exec(table_.ctx, first, 0, 0, "SELECT 1", nullptr, 0, &error_), PROJECTOR_FATAL);
  call_.emplace(host_, &sink_, 1);
  EXPECT_NE(call_->transaction(), first);
  EXPECT_FALSE(call_->failure()); // the misuse between two calls is not charged to this one
  call_.reset();
  call_.emplace(host_, nullptr, 1);
  EXPECT_EQ(call_->transaction(), nullptr);
}

TEST_F(HostTableTest, TheErrorsSizesAreRespected) {
  sink_.answer = [] {
    return Verdict{PROJECTOR_REJECT,
                   "Gr\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC"
                   "e",
                   1};
  };
  text_.fill('#');
  error_.text_size = 8;
  EXPECT_EQ(exec("SELECT 1"), PROJECTOR_REJECT);
  EXPECT_STREQ(text_.data(), "Gr\xC3\xBC\xE2\x80\xA6");
  EXPECT_EQ(text_[8], '#');
  EXPECT_EQ(error_.event_index, 1U);

  text_.fill('#');
  error_.text_size = 0;
  EXPECT_EQ(exec("SELECT 1"), PROJECTOR_REJECT);
  EXPECT_EQ(text_[0], '#');

  error_ = {offsetof(projector_error, text), PROJECTOR_NO_EVENT, text_.data(), text_.size()};
  EXPECT_EQ(exec("SELECT 1"), PROJECTOR_REJECT); // has an event_index, but no text
  EXPECT_EQ(error_.event_index, 1U);
  EXPECT_EQ(text_[0], '#');

  EXPECT_EQ(table_.exec(table_.ctx, call_->transaction(), 0, 0, "SELECT 1", nullptr, 0, nullptr), PROJECTOR_REJECT);
}

TEST_F(HostTableTest, RowsAreReadWithinTheirBounds) {
  sink_.cells = {{"a", "b"}, {"c", "d"}, {"e", "f"}};
  projector_rows* rows = nullptr;
  ASSERT_EQ(table_.query(table_.ctx, call_->transaction(), 0, 0, "SELECT 1", nullptr, 0, &rows, nullptr), PROJECTOR_OK);
  EXPECT_EQ(table_.rows_count(table_.ctx, rows), 3U);
  EXPECT_EQ(table_.rows_columns(table_.ctx, rows), 2U);
  EXPECT_EQ(table_.rows_affected(table_.ctx, rows), 3);
  projector_value value = {};
  EXPECT_EQ(table_.rows_get(table_.ctx, rows, 2, 1, &value), 1);
  EXPECT_EQ(std::string(value.data, value.size), "f");
  EXPECT_EQ(table_.rows_get(table_.ctx, rows, 3, 0, &value), 0);
  EXPECT_EQ(table_.rows_get(table_.ctx, rows, 0, 2, &value), 0);
  EXPECT_EQ(table_.rows_get(table_.ctx, rows, SIZE_MAX, SIZE_MAX, &value), 0);
  EXPECT_EQ(table_.rows_get(table_.ctx, rows, 0, 0, nullptr), 0);
  table_.rows_free(table_.ctx, rows);
  EXPECT_EQ(sink_.living_rows, 0);
  // Freed rows are no rows, and freeing them again does no harm.
  EXPECT_EQ(table_.rows_count(table_.ctx, rows), 0U);
  EXPECT_EQ(table_.rows_get(table_.ctx, rows, 0, 0, &value), 0);
  table_.rows_free(table_.ctx, rows);
  table_.rows_free(table_.ctx, nullptr);
  EXPECT_EQ(table_.rows_count(table_.ctx, nullptr), 0U);
}

TEST_F(HostTableTest, AQueryWhoseRowsNobodyWants) {
  EXPECT_EQ(
      table_.query(table_.ctx, call_->transaction(), 0, PROJECTOR_SQL_BINARY, "SELECT 1", nullptr, 0, nullptr, nullptr),
      PROJECTOR_OK);
  EXPECT_EQ(sink_.living_rows, 0);
  EXPECT_EQ(sink_.taken[0].flags, PROJECTOR_SQL_BINARY);
}

TEST_F(HostTableTest, AFailedQueryHasNoRows) {
  sink_.answer = [] { return Verdict{PROJECTOR_RETRY, "connection lost", PROJECTOR_NO_EVENT}; };
  auto* rows = reinterpret_cast<projector_rows*>(this);
  EXPECT_EQ(table_.query(table_.ctx, call_->transaction(), 0, 0, "SELECT 1", nullptr, 0, &rows, &error_),
            PROJECTOR_RETRY);
  EXPECT_EQ(rows, nullptr);
  EXPECT_STREQ(error_.text, "connection lost");
  EXPECT_EQ(call_->failure().value().status, PROJECTOR_RETRY);
}

} // namespace
} // namespace projector::runner
