#include "channel/calls.hpp"
#include "channel/reader.hpp"
#include "channel/rows.hpp"
#include "channel/statements.hpp"
#include "channel/verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace projector::channel {
namespace {

using namespace std::string_view_literals;

using Take = std::function<void(std::string_view)>;

/// Every message that is shorter, or longer, is refused; with a changed byte it is refused or is another message. Each
/// is read from memory of its own, so that AddressSanitizer sees a read behind it.
void expect_only_the_whole(std::string_view message, const Take& take) {
  ASSERT_NO_THROW(take(message));
  for (std::size_t size = 0; size < message.size(); ++size) {
    const std::vector<char> part(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(take({part.data(), part.size()}), Malformed) << size << " of " << message.size() << " bytes";
  }
  EXPECT_THROW(take(std::string(message) + '\0'), Malformed);
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::vector<char> changed(message.begin(), message.end());
    for (std::size_t left = 1 + random() % 3; left > 0 && !changed.empty(); --left) {
      changed[random() % changed.size()] = static_cast<char>(random() % 2 == 0 ? random() : random() % 4);
    }
    try {
      take({changed.data(), changed.size()});
    } catch (const Malformed& malformed) {
      EXPECT_EQ(std::string(malformed.what()).rfind("malformed message: ", 0), 0U);
    }
  }
}

TEST(ChannelMessages, Create) {
  const Create full = {
      "revenue", 3, 4, {{"currency", "EUR"}, {"empty", ""}, {"currency", "USD"}}, "/var/lib/projectord/revenue"};
  for (const Create& create : {full, Create{"a", 0, 1, {}, std::nullopt}, Create{"a", 0, 1, {}, ""}}) {
    Writer writer;
    write_create(writer, create);
    EXPECT_EQ(read_create(writer.view()), create);
    expect_only_the_whole(writer.view(), read_create);
  }
}

TEST(ChannelMessages, Handle) {
  const std::vector<projector_event> events(1000);
  std::vector<const projector_event*> addresses;
  addresses.reserve(events.size());
  for (const auto& event : events) {
    addresses.push_back(&event);
  }
  Handle read;
  for (const std::ptrdiff_t n_events : {1000, 1, 0, 5}) {
    const Handle handle = {PROJECTOR_BATCH_REBUILD,
                           2,
                           -5,
                           n_events != 1,
                           Finished::Committed,
                           {addresses.begin(), addresses.begin() + n_events}};
    Writer writer;
    write_handle(writer, handle, handle.events.data(), handle.events.size());
    read_handle(writer.view(), read);
    EXPECT_EQ(read, handle);
    if (n_events < 10) {
      expect_only_the_whole(writer.view(), [&](std::string_view message) { read_handle(message, read); });
    }
  }
}

TEST(ChannelMessages, HandleWithANumberOfEventsThatOverflows) {
  Writer writer;
  const projector_event* event = nullptr;
  write_handle(writer, {}, &event, 1);
  std::string message(writer.view());
  for (const char high : {'\x20', '\x7F', '\xFF'}) {
    message[message.size() - 9] = high;
    Handle into;
    EXPECT_THROW(read_handle(message, into), Malformed);
  }
}

TEST(ChannelMessages, Finished) {
  for (const auto finished : {Finished::None, Finished::RolledBack, Finished::Committed}) {
    Writer writer;
    write_finished(writer, finished);
    EXPECT_EQ(read_finished(writer.view()), finished);
    expect_only_the_whole(writer.view(), read_finished);
  }
  EXPECT_THROW(read_finished("\3\0\0\0"sv), Malformed);
}

TEST(ChannelMessages, Verdict) {
  for (const Verdict& verdict : {Verdict{}, {PROJECTOR_REJECT, 17, "no such account"}, {-9, 0, "a\0b\xFF"sv}}) {
    Writer writer;
    write_verdict(writer, verdict);
    const auto take = [](std::string_view message) {
      Reader reader(message);
      return read_verdict(reader);
    };
    EXPECT_EQ(take(writer.view()), verdict);
    expect_only_the_whole(writer.view(), take);
  }
}

const std::vector<projector_value> kValues = {
    {"text", 4, 25, 0}, {"", 0, 17, 1}, {nullptr, 0, 20, 0}, {nullptr, 0, 20, 1}, {"a\0b", 3, 0, 1}};

void expect_values(const projector_value* found, std::size_t size, const std::vector<projector_value>& expected) {
  ASSERT_EQ(size, expected.size());
  for (std::size_t i = 0; i < size; ++i) {
    EXPECT_EQ(found[i].oid, expected[i].oid);
    EXPECT_EQ(found[i].binary, expected[i].binary);
    ASSERT_EQ(found[i].data == nullptr, expected[i].data == nullptr);
    if (expected[i].data != nullptr) {
      EXPECT_EQ(std::string_view(found[i].data, found[i].size), std::string_view(expected[i].data, expected[i].size));
    }
  }
}

/// Two statements, with five parameters and with none.
Writer queue() {
  Writer writer;
  append_statement(writer, {0, PROJECTOR_SQL_ONCE, "CREATE TABLE t ()", nullptr, 0});
  append_statement(writer, {PROJECTOR_NO_EVENT, 0, "INSERT INTO t VALUES ($1, $2, $3, $4, $5)", kValues.data(), 5});
  return writer;
}

void expect_queue(StatementReader& reader) {
  Statement statement;
  ASSERT_TRUE(reader.next(statement));
  EXPECT_EQ(statement.event_index, 0U);
  EXPECT_EQ(statement.flags, PROJECTOR_SQL_ONCE);
  EXPECT_STREQ(statement.sql, "CREATE TABLE t ()");
  EXPECT_EQ(statement.n_params, 0U);
  ASSERT_TRUE(reader.next(statement));
  EXPECT_EQ(statement.event_index, PROJECTOR_NO_EVENT);
  EXPECT_EQ(statement.flags, 0U);
  EXPECT_STREQ(statement.sql, "INSERT INTO t VALUES ($1, $2, $3, $4, $5)");
  expect_values(statement.params, statement.n_params, kValues);
  ASSERT_FALSE(reader.next(statement));
}

void skip_queue(StatementReader& reader) {
  Statement statement;
  while (reader.next(statement)) {
  }
}

TEST(ChannelMessages, Statements) {
  Writer writer = queue();
  finish_statements(writer);
  StatementReader reader(writer.view());
  expect_queue(reader);
  EXPECT_NO_THROW(reader.end_of_statements());
  expect_only_the_whole(writer.view(), [](std::string_view message) {
    StatementReader another(message);
    skip_queue(another);
    another.end_of_statements();
  });
}

TEST(ChannelMessages, Query) {
  Writer writer = queue();
  finish_query(writer, {4, PROJECTOR_SQL_BINARY, "SELECT $1", kValues.data(), 1});
  StatementReader reader(writer.view());
  expect_queue(reader);
  const Statement query = reader.query();
  EXPECT_EQ(query.event_index, 4U);
  EXPECT_EQ(query.flags, PROJECTOR_SQL_BINARY);
  EXPECT_STREQ(query.sql, "SELECT $1");
  expect_values(query.params, query.n_params, {kValues[0]});
  expect_only_the_whole(writer.view(), [](std::string_view message) {
    StatementReader another(message);
    skip_queue(another);
    another.query();
  });
}

TEST(ChannelMessages, End) {
  for (const bool queued : {true, false}) {
    Writer writer = queued ? queue() : Writer();
    finish_end(writer, {PROJECTOR_RETRY, 2, "later"});
    StatementReader reader(writer.view());
    if (queued) {
      expect_queue(reader);
    } else {
      skip_queue(reader);
    }
    EXPECT_EQ(reader.plugin_verdict(), (Verdict{PROJECTOR_RETRY, 2, "later"}));
    expect_only_the_whole(writer.view(), [](std::string_view message) {
      StatementReader another(message);
      skip_queue(another);
      another.plugin_verdict();
    });
  }
}

TEST(ChannelMessages, Rows) {
  Writer writer;
  begin_rows(writer, 3, 5, 77);
  for (int row = 0; row < 3; ++row) {
    for (const auto& value : kValues) {
      append_cell(writer, value);
    }
  }
  std::string message(writer.view());
  const Rows rows(message);
  std::fill(message.begin(), message.end(), 'x'); // they have a copy
  EXPECT_EQ(rows.count(), 3U);
  EXPECT_EQ(rows.columns(), 5U);
  EXPECT_EQ(rows.affected(), 77);
  for (std::size_t row = 0; row < 3; ++row) {
    std::vector<projector_value> cells(5);
    for (std::size_t column = 0; column < 5; ++column) {
      EXPECT_TRUE(rows.get(row, column, cells[column]));
    }
    expect_values(cells.data(), cells.size(), kValues);
  }
  projector_value value = {};
  EXPECT_FALSE(rows.get(3, 0, value));
  EXPECT_FALSE(rows.get(0, 5, value));
  expect_only_the_whole(writer.view(), [](std::string_view bytes) { const Rows another(bytes); });
}

TEST(ChannelMessages, RowsWithoutColumnsOrCells) {
  for (const auto& [count, columns] : {std::pair{0U, 4U}, {9U, 0U}, {0U, 0U}}) {
    Writer writer;
    begin_rows(writer, count, columns, -1);
    const Rows rows(writer.view());
    EXPECT_EQ(rows.count(), count);
    EXPECT_EQ(rows.columns(), columns);
    EXPECT_EQ(rows.affected(), -1);
  }
}

TEST(ChannelMessages, RowsOfMoreCellsThanFitAreRefused) {
  for (const auto& [count, columns] : {std::pair{1ULL << 32U, 1U << 31U}, {1ULL, 3U}, {3ULL, 1U}, {~0ULL, ~0U}}) {
    Writer writer;
    begin_rows(writer, count, columns, 0);
    append_cell(writer, {});
    append_cell(writer, {});
    EXPECT_THROW(Rows(writer.view()), Malformed);
  }
}

} // namespace
} // namespace projector::channel
