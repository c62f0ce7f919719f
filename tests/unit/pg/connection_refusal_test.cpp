#include "pg/connection_refusal.hpp"

#include <gtest/gtest.h>

namespace projector::pg {
namespace {

TEST(ConnectionRefusal, TheSqlstateAndThePlaceInTheSourceAreTakenOutOfTheText) {
  const auto refusal = read_refusal("connection to server on socket \"/run/.s.PGSQL.5432\" failed: FATAL:  3D000: "
                                    "database \"app\" does not exist\nLOCATION:  InitPostgres, postinit.c:885\n");
  EXPECT_EQ(refusal.sqlstate, "3D000");
  EXPECT_EQ(refusal.text,
            "connection to server on socket \"/run/.s.PGSQL.5432\" failed: FATAL:  database \"app\" does not exist\n");
}

TEST(ConnectionRefusal, TheSeverityMayBeInAnyLanguage) {
  EXPECT_EQ(read_refusal("connection to server failed: SCHWERWIEGEND:  28P01: nein\n").sqlstate, "28P01");
}

TEST(ConnectionRefusal, HasTheSqlstateOfTheServerTriedLast) {
  const std::string refused = "connection to server at \"a\" failed: FATAL:  28P01: password\n";
  const std::string away = "connection to server at \"b\" failed: Connection refused\n";
  EXPECT_EQ(read_refusal(refused + away).sqlstate, "");
  EXPECT_EQ(read_refusal(away + refused).sqlstate, "28P01");
}

TEST(ConnectionRefusal, WithoutAServersWordThereIsNoSqlstate) {
  for (const char* message : {"", "could not translate host name \"db\" to address: Name or service not known\n",
                              "connection to server failed:  ABCDE was no code\n", "x:  28P0: y\n", "x:  28p01: y\n"}) {
    EXPECT_EQ(read_refusal(message).sqlstate, "") << message;
    EXPECT_EQ(read_refusal(message).text, message);
  }
}

} // namespace
} // namespace projector::pg
