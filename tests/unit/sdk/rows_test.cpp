#include "unit/sdk/fake_host.hpp"

#include <projector/plugin.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace projector {
namespace {

class RowsTest : public testing::Test {
protected:
  Rows query(std::vector<std::vector<std::optional<std::string>>> cells) {
    host_.rows.cells = std::move(cells);
    return transaction_.query("SELECT 1");
  }
  /// The only cell of a result, as T.
  template <class T>
  T cell(std::optional<std::string> text) {
    return query({{std::move(text)}})[0].get<T>(0);
  }
  template <class T>
  std::string error_of(std::optional<std::string> text) {
    try {
      static_cast<void>(cell<T>(std::move(text)));
    } catch (const CellError& error) {
      return error.what();
    }
    return "(none)";
  }

  test::FakeHost host_;
  Transaction transaction_{host_.table(), host_.transaction(), 0, nullptr};
};

TEST_F(RowsTest, ReadsEveryType) {
  EXPECT_EQ(cell<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(cell<std::uint8_t>("255"), 255);
  EXPECT_EQ(cell<double>("1e-300"), 1e-300);
  EXPECT_EQ(cell<double>("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(cell<bool>("t"));
  EXPECT_FALSE(cell<bool>("f"));
  EXPECT_EQ(cell<std::string>(""), "");
  EXPECT_EQ(cell<std::string>("12.3400"), "12.3400");
  EXPECT_EQ(cell<Uuid>("00112233-4455-6677-8899-aabbccddeeff").bytes[1], 0x11);
  EXPECT_EQ(cell<Timestamp>("1970-01-01 00:00:01+00"), Timestamp(1000000));
  EXPECT_EQ(cell<std::vector<std::byte>>("\\x00ff"), (std::vector<std::byte>{std::byte{0}, std::byte{0xFF}}));
  EXPECT_EQ(cell<std::vector<std::byte>>("\\x"), std::vector<std::byte>());
  EXPECT_EQ(cell<std::optional<int>>("3"), 3);
  EXPECT_EQ(cell<std::optional<int>>(std::nullopt), std::nullopt);
}

TEST_F(RowsTest, SaysWhatIsWrongWithACell) {
  EXPECT_EQ(error_of<int>(std::nullopt),
            "row 0, column 0: NULL where a whole number that fits was expected; read it as std::optional");
  EXPECT_EQ(error_of<int>("2147483648"), "row 0, column 0: '2147483648' where a whole number that fits was expected");
  EXPECT_EQ(error_of<unsigned>("-1"),
            "row 0, column 0: '-1' where a whole number, not negative, that fits was expected");
  EXPECT_EQ(error_of<int>("1 "), "row 0, column 0: '1 ' where a whole number that fits was expected");
  EXPECT_EQ(error_of<bool>("1"), "row 0, column 0: '1' where a boolean was expected");
  EXPECT_EQ(error_of<double>(""), "row 0, column 0: '' where a number was expected");
  EXPECT_EQ(error_of<std::vector<std::byte>>("\\x0"), "row 0, column 0: '\\x0' where bytea was expected");
  EXPECT_EQ(error_of<std::optional<int>>("x"), "row 0, column 0: 'x' where a whole number that fits was expected");
}

TEST_F(RowsTest, SaysWhenThereIsNoSuchCell) {
  const Rows rows = query({{"1", "2"}});
  try {
    static_cast<void>(rows[1].get<int>(0));
    FAIL();
  } catch (const CellError& error) {
    EXPECT_STREQ(error.what(), "row 1, column 0: no such cell in a result of 1 rows and 2 columns");
  }
  EXPECT_THROW(static_cast<void>(rows[0].get<int>(2)), CellError);
}

TEST_F(RowsTest, IsARange) {
  const Rows rows = query({{"1", std::nullopt}, {"2", "b"}});
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows.columns(), 2u);
  EXPECT_EQ(rows.affected(), 2);
  EXPECT_FALSE(rows.empty());
  int sum = 0;
  for (const Row row : rows) {
    sum += row.get<int>(0);
  }
  EXPECT_EQ(sum, 3);
  EXPECT_TRUE(rows[0].is_null(1));
  EXPECT_FALSE(rows[1].is_null(1));
}

TEST_F(RowsTest, AreFreedOnce) {
  {
    Rows rows = query({{"1"}});
    Rows moved = std::move(rows);
    EXPECT_EQ(moved[0].get<std::string_view>(0), "1");
    EXPECT_EQ(host_.rows_freed, 0);
  }
  EXPECT_EQ(host_.rows_freed, 1);
}

} // namespace
} // namespace projector
