#include "pg/server_version.hpp"

#include <gtest/gtest.h>

namespace projector::pg {
namespace {

TEST(ServerVersion, AnOlderOneThanTheHostNeedsIsRefusedWithBothVersions) {
  EXPECT_EQ(refuse_server_version(110022),
            "the server is PostgreSQL 11.22, and projectord needs PostgreSQL 12 or later (it is tested on 15); upgrade "
            "the server, or let the DSN lead to a newer one");
  EXPECT_EQ(refuse_server_version(90624).find("the server is PostgreSQL 9.6.24, and "), 0u);
}

TEST(ServerVersion, TheOldestSupportedOneAndNewerOnesAreTaken) {
  for (const int version : {120000, 150018, 180001}) {
    EXPECT_EQ(refuse_server_version(version), "") << version;
  }
}

} // namespace
} // namespace projector::pg
