#include "pg/quote.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace projector::pg {
namespace {

TEST(Quote, AnIdentifierKeepsItsCaseAndDoublesItsQuotes) {
  EXPECT_EQ(pg::quote_identifier("plain"), "\"plain\"");
  EXPECT_EQ(pg::quote_identifier("We\"ird \\ name"), "\"We\"\"ird \\ name\"");
}

TEST(Quote, ALiteralDoublesItsQuotes) {
  EXPECT_EQ(pg::quote_literal(""), "''");
  EXPECT_EQ(pg::quote_literal("it's"), "'it''s'");
}

TEST(Quote, ALiteralWithABackslashIsAnEscapeString) {
  EXPECT_EQ(pg::quote_literal("a\\'b"), " E'a\\\\''b'");
}

TEST(Quote, WhatCannotBeQuotedIsRefused) {
  EXPECT_THROW(pg::quote_identifier(""), std::invalid_argument);
  EXPECT_THROW(pg::quote_identifier(std::string_view("a\0b", 3)), std::invalid_argument);
  EXPECT_THROW(pg::quote_literal(std::string_view("\0", 1)), std::invalid_argument);
}

} // namespace
} // namespace projector::pg
