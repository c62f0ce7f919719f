#include "pg/connection.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace projector::pg {
namespace {

TEST(Quote, AnIdentifierKeepsItsCaseAndDoublesItsQuotes) {
  EXPECT_EQ(Connection::quote_identifier("plain"), "\"plain\"");
  EXPECT_EQ(Connection::quote_identifier("We\"ird \\ name"), "\"We\"\"ird \\ name\"");
}

TEST(Quote, ALiteralDoublesItsQuotes) {
  EXPECT_EQ(Connection::quote_literal(""), "''");
  EXPECT_EQ(Connection::quote_literal("it's"), "'it''s'");
}

TEST(Quote, ALiteralWithABackslashIsAnEscapeString) {
  EXPECT_EQ(Connection::quote_literal("a\\'b"), " E'a\\\\''b'");
}

TEST(Quote, WhatCannotBeQuotedIsRefused) {
  EXPECT_THROW(Connection::quote_identifier(""), std::invalid_argument);
  EXPECT_THROW(Connection::quote_identifier(std::string_view("a\0b", 3)), std::invalid_argument);
  EXPECT_THROW(Connection::quote_literal(std::string_view("\0", 1)), std::invalid_argument);
}

} // namespace
} // namespace projector::pg
