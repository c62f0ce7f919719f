#pragma once

#include "config/load.hpp"
#include "control/schema.hpp"
#include "pg/connection.hpp"
#include "support/private_postgres.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace projector::control {

/// A database of the test's own with a session in it, and a configuration that connects to it and has no plugins.
class ControlDatabase : public ::testing::Test {
protected:
  ControlDatabase() {
    config::Configuration configuration;
    configuration.event_store.dsn = configuration.read_model.dsn = dsn_;
    configuration.plugins.directories = {directory_.path() / "plugins"};
    loaded_.configuration = std::move(configuration);
  }

  config::Configuration& configuration() { return *loaded_.configuration; }

  config::Projection& add_projection(const std::string& name, std::uint32_t partitions = 1) {
    auto& projection = configuration().projections[name];
    projection.name = projection.plugin = projection.checkpoint = name;
    projection.partitions = partitions;
    return projection;
  }

  void apply(const std::string& role = "") {
    for (const auto& part : schema_of(configuration(), role)) {
      apply_schema(part, base::no_stop());
    }
  }

  /// Appends one event that is `age` old; returns its position.
  std::int64_t append(const std::string& age = "0 s") {
    const auto row = connection_.exec(
        "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
        "payload, created_at) SELECT 'sales', 'order', 'o1', count(*) + 1, gen_random_uuid(), 'OrderPlaced', '{}', "
        "now() - $1::interval FROM events RETURNING global_position",
        pg::Parameters{}.text(age));
    return row.int8(0, 0);
  }

  std::string look(std::string_view sql) { return std::string(connection_.exec(sql).bytes(0, 0)); }

  /// Creates role_, which may only log in; returns its DSN for this database.
  std::string create_role() {
    connection_.script("CREATE ROLE " + role_ + " LOGIN");
    return dsn_.substr(0, dsn_.find(" user=")) + " user=" + role_;
  }

  test::TemporaryDirectory directory_;
  std::string dsn_ = test::PrivatePostgres::shared().create_database();
  pg::Connection connection_{{.dsn = dsn_, .settings = {}}, base::no_stop()};
  config::Loaded loaded_;
  const std::string role_ = "role_of_" + look("SELECT current_database()"); ///< one server has one set of roles
};

} // namespace projector::control
