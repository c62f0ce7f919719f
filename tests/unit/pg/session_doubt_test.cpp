#include "pg/session_doubt.hpp"

#include <gtest/gtest.h>

namespace projector::pg {
namespace {

TEST(SessionDoubt, IsNoneWhereStatementDataOrOtherTransactionsAreTheCause) {
  for (const char* sqlstate : {"08P01", "21000", "22P02", "23505", "25P02", "38000", "39004", "40001", "40P01", "44000",
                               "54000", "55P03", "P0001"}) {
    EXPECT_EQ(session_doubt(sqlstate), SessionDoubt::None) << sqlstate;
  }
}

TEST(SessionDoubt, IsAboutTheSessionWhereWhatItKeepsMayBeTheCause) {
  for (const char* sqlstate :
       {"0A000", "25001", "25P03", "26000", "34000", "3F000", "42501", "42P01", "53200", "53400", "58030", "XX000"}) {
    EXPECT_EQ(session_doubt(sqlstate), SessionDoubt::Session) << sqlstate;
  }
}

TEST(SessionDoubt, IsAboutAllWhereWhatTheyWereGivenAtConnectMayBeTheCause) {
  for (const char* sqlstate : {"25006", "28000", "57014", "57P01", "57P02"}) {
    EXPECT_EQ(session_doubt(sqlstate), SessionDoubt::All) << sqlstate;
  }
}

} // namespace
} // namespace projector::pg
