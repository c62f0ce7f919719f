#include "pg/server_version.hpp"

#include <fmt/core.h>

namespace projector::pg {
namespace {

/// Before PostgreSQL 10 a version has three parts: 90624 is 9.6.24.
std::string version_text(int version) {
  return version >= 100000 ? fmt::format("{}.{}", version / 10000, version % 10000)
                           : fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

} // namespace

std::string refuse_server_version(int version) {
  if (version >= kOldestServer) {
    return {};
  }
  return fmt::format("the server is PostgreSQL {}, and projectord needs PostgreSQL {} or later (it is tested on 15); "
                     "upgrade the server, or let the DSN lead to a newer one",
                     version_text(version), kOldestServer / 10000);
}

} // namespace projector::pg
