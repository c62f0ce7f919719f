#include "pg/pg/database_test.hpp"

#include <limits>

namespace projector::pg {
namespace {

using namespace std::string_literals;

class ParametersOnServer : public DatabaseTest {};

TEST_F(ParametersOnServer, ScalarsArriveAsTheyWere) {
  const auto result = observer_.exec("SELECT $1::text, $2::bytea, $3, $4, $5, $6, $7::text, $8 IS NULL, $9, "
                                     "pg_typeof($3), pg_typeof($4), pg_typeof($5)",
                                     Parameters()
                                         .text("naïve 'quoted' \\ \n")
                                         .binary("\0\1\xff"s, 17)
                                         .int8(std::numeric_limits<std::int64_t>::min())
                                         .int4(-7)
                                         .boolean(true)
                                         .boolean(false)
                                         .text("")
                                         .null(20)
                                         .text("2024-02-29", 1082));
  ASSERT_EQ(result.rows(), 1u);
  ASSERT_EQ(result.columns(), 12u);
  EXPECT_EQ(result.bytes(0, 0), "naïve 'quoted' \\ \n");
  EXPECT_EQ(result.bytes(0, 1), "\\x0001ff");
  EXPECT_EQ(result.int8(0, 2), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(result.int8(0, 3), -7);
  EXPECT_TRUE(result.boolean(0, 4));
  EXPECT_FALSE(result.boolean(0, 5));
  EXPECT_FALSE(result.is_null(0, 6));
  EXPECT_EQ(result.bytes(0, 6), "");
  EXPECT_TRUE(result.boolean(0, 7));
  EXPECT_EQ(result.bytes(0, 8), "2024-02-29");
  EXPECT_EQ(result.bytes(0, 9), "bigint");
  EXPECT_EQ(result.bytes(0, 10), "integer");
  EXPECT_EQ(result.bytes(0, 11), "boolean");
}

TEST_F(ParametersOnServer, TextArraysKeepEveryKindOfElement) {
  const std::vector<std::string> values = {"plain",  "",    "NULL",    "null", "a,b",    "it's", "say \"x\"",
                                           "back\\", "{a}", " blank ", "é€😀",  "\n\t\r", "(1,2)"};
  const auto result = observer_.exec("SELECT value FROM unnest($1) WITH ORDINALITY AS all_values(value, position) "
                                     "ORDER BY position",
                                     Parameters().text_array(values));
  std::vector<std::string> returned;
  for (std::size_t row = 0; row < result.rows(); ++row) {
    EXPECT_FALSE(result.is_null(row, 0));
    returned.emplace_back(result.bytes(row, 0));
  }
  EXPECT_EQ(returned, values);
}

TEST_F(ParametersOnServer, Int8ArraysKeepTheirNumbers) {
  const auto result =
      observer_.exec("SELECT $1::text, pg_typeof($1)", Parameters().int8_array({1, -1, 9223372036854775807, 0}));
  EXPECT_EQ(result.bytes(0, 0), "{1,-1,9223372036854775807,0}");
  EXPECT_EQ(result.bytes(0, 1), "bigint[]");
}

TEST_F(ParametersOnServer, EmptyArraysAreEmptyAndNotNull) {
  const auto result = observer_.exec("SELECT $1 IS NULL, cardinality($1), $2 IS NULL, cardinality($2)",
                                     Parameters().text_array({}).int8_array({}));
  EXPECT_FALSE(result.boolean(0, 0));
  EXPECT_EQ(result.int8(0, 1), 0);
  EXPECT_FALSE(result.boolean(0, 2));
  EXPECT_EQ(result.int8(0, 3), 0);
}

TEST_F(ParametersOnServer, BinaryResultsAreTheTypesOwnBytes) {
  const auto result = observer_.exec("SELECT $1, '\\x00ff'::bytea", Parameters().int8(258), Format::Binary);
  EXPECT_TRUE(result.is_binary(0));
  EXPECT_EQ(result.type(0), 20u);
  EXPECT_EQ(result.bytes(0, 0), "\0\0\0\0\0\0\1\2"s);
  EXPECT_EQ(result.type(1), 17u);
  EXPECT_EQ(result.bytes(0, 1), "\0\xff"s);
  EXPECT_THROW((void)result.int8(0, 0), std::logic_error);
}

TEST_F(ParametersOnServer, CellsOfAnotherKindThanExpectedAreNamed) {
  const auto result = observer_.exec("SELECT NULL::bigint, '12x', 'maybe'");
  EXPECT_TRUE(result.is_null(0, 0));
  EXPECT_EQ(result.bytes(0, 0), "");
  const auto message = [&](auto&& call) {
    try {
      call();
    } catch (const std::logic_error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_EQ(message([&] { (void)result.int8(0, 0); }),
            "row 0, column 0 of a result: found NULL, expected a whole number");
  EXPECT_EQ(message([&] { (void)result.int8(0, 1); }),
            "row 0, column 1 of a result: found \"12x\", expected a whole number");
  EXPECT_EQ(message([&] { (void)result.boolean(0, 2); }),
            "row 0, column 2 of a result: found \"maybe\", expected t or f");
}

TEST_F(ParametersOnServer, AffectedCountsTheRowsOfACommand) {
  EXPECT_EQ(observer_.exec("CREATE TABLE t (a int)").affected(), 0);
  EXPECT_EQ(observer_.exec("INSERT INTO t SELECT generate_series(1, 5)").affected(), 5);
  EXPECT_EQ(observer_.exec("UPDATE t SET a = 0 WHERE a > 3").affected(), 2);
  EXPECT_EQ(observer_.exec("DELETE FROM t WHERE a = 9").affected(), 0);
  EXPECT_EQ(observer_.exec("SELECT * FROM t").affected(), 5);
}

TEST_F(ParametersOnServer, MoreThanTheProtocolCountsAreRefusedBeforeTheyAreSent) {
  Parameters parameters;
  for (int i = 0; i < 65536; ++i) {
    parameters.int4(i);
  }
  EXPECT_THROW(observer_.exec("SELECT $1", parameters), std::invalid_argument);
  EXPECT_THROW(observer_.exec("SELECT 1\0 + 1"s), std::invalid_argument);
  EXPECT_EQ(look("SELECT 1"), "1");
}

} // namespace
} // namespace projector::pg
