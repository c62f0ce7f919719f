#pragma once

#include "support/private_postgres.hpp"
#include "support/temporary_directory.hpp"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace projector::test {

/// PgBouncer in transaction mode in front of a private server: every transaction may get another session of the server,
/// and a client's connection outlives the server. On a Unix socket in a directory of its own. Ended by its pid when
/// destroyed. One thread.
class PgBouncer {
public:
  /// `pool_size`: sessions of the server for each database and user.
  explicit PgBouncer(const PrivatePostgres& server, int pool_size = 1);
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  /// The DSN of the same database through the pooler. `dsn` comes from PrivatePostgres.
  [[nodiscard]] std::string dsn_for(std::string_view dsn) const;

private:
  TemporaryDirectory directory_;
  pid_t pid_ = 0;
};

} // namespace projector::test
