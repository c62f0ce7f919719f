#include "pg/connection.hpp"
#include "pg/connection_info.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace projector::pg {
namespace {

std::string refusal_of(const std::string& dsn) {
  try {
    const ConnectionInfo info({.dsn = dsn, .settings = {}});
  } catch (const InvalidDsn& error) {
    EXPECT_TRUE(error.connection_lost());
    return error.what();
  }
  return "accepted";
}

std::size_t position_of(const ConnectionInfo& info, const char* keyword) {
  std::size_t at = 0;
  while (info.keywords().at(at) != nullptr && std::strcmp(info.keywords().at(at), keyword) != 0) {
    ++at;
  }
  return at;
}

TEST(ConnectionInfo, DefaultsComeBeforeTheDsnAndFixedValuesAfterIt) {
  const ConnectionInfo info({.dsn = "dbname=app", .settings = {}});
  const auto dsn = position_of(info, "dbname");
  EXPECT_STREQ(info.values().at(dsn), "dbname=app");
  for (const char* keyword :
       {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}) {
    EXPECT_LT(position_of(info, keyword), dsn) << keyword;
  }
  EXPECT_STREQ(info.values().at(position_of(info, "tcp_user_timeout")), "30000");
  EXPECT_GT(position_of(info, "client_encoding"), dsn);
  EXPECT_EQ(info.keywords().back(), nullptr);
  EXPECT_EQ(info.values().back(), nullptr);
}

TEST(ConnectionInfo, TheTimeoutOfTheDsnWins) {
  EXPECT_EQ(ConnectionInfo({.dsn = "", .settings = {}}).timeout(), std::chrono::seconds(10));
  EXPECT_EQ(ConnectionInfo({.dsn = "connect_timeout=3", .settings = {}}).timeout(), std::chrono::seconds(3));
  EXPECT_EQ(ConnectionInfo({.dsn = "connect_timeout=0", .settings = {}}).timeout(), std::chrono::seconds(10));
}

TEST(ConnectionInfo, ThePasswordIsTakenOutOfMessages) {
  const ConnectionInfo keywords({.dsn = "host=db password='hunter 2'", .settings = {}});
  EXPECT_EQ(keywords.without_password("no hunter 2 at hunter 2!"), "no *** at ***!");
  const ConnectionInfo uri({.dsn = "postgresql://app:hunt%65r2@db/app", .settings = {}});
  EXPECT_EQ(uri.without_password("hunter2"), "***");
  const ConnectionInfo none({.dsn = "host=db", .settings = {}});
  EXPECT_EQ(none.without_password("as it is"), "as it is");
}

TEST(ConnectionInfo, AWrongWordIsShownAndNoValue) {
  const auto because = [](const std::string& what) {
    return "the DSN cannot be read: " + what + "; expected \"host=.. dbname=..\" or \"postgresql://..\"";
  };
  EXPECT_EQ(refusal_of("hots=db password=hunter2"), because("invalid connection option \"hots\""));
  EXPECT_EQ(refusal_of("host=db pasword=hunter2"), because("invalid connection option \"pasword\""));
  EXPECT_EQ(refusal_of("host=db dbname app"), because("missing \"=\" after \"dbname\" in connection info string"));
  EXPECT_EQ(refusal_of("postgresql://app:hunter2@db/app?sslmod=require"),
            because("invalid URI query parameter: \"sslmod\""));
  EXPECT_EQ(refusal_of("host='db"), because("unterminated quoted string in connection info string"));
}

TEST(ConnectionInfo, WhatMayBePartOfAPasswordIsNotShown) {
  const std::string quote_it = " (after password: a value with a blank, a quote or a backslash is written in '..')";
  EXPECT_EQ(refusal_of("host=db password=my hunter2"),
            "the DSN cannot be read: missing \"=\" after \"***\" in connection info string" + quote_it +
                "; expected \"host=.. dbname=..\" or \"postgresql://..\"");
  for (const char* dsn :
       {"host=db password=my hunter=x", "host=db password = my hunter=x", "host=db sslpassword=a hunter",
        "password='a'hunter=x", "postgresql://app:hunter@[::1/app", "postgresql//app:hunter@db/app",
        "postgresql:/app:hunter@db/app?a=b", "postgresql://db/app?a=b&hunter@x=1", "postgresql://app:100%hunter@db/app",
        "hunter2", "Hunter:x@db"}) {
    const auto refusal = refusal_of(dsn);
    EXPECT_NE(refusal, "accepted") << dsn;
    EXPECT_EQ(refusal.find("unter"), std::string::npos) << dsn << ": " << refusal;
  }
}

} // namespace
} // namespace projector::pg
