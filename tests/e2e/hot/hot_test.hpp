#pragma once

#include "pg/connection.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

namespace projector::test {

/// An event store, a host that is not started yet, and queries about both.
class HotTest : public testing::Test {
protected:
  /// `main_file` follows the main configuration file's [plugins].
  explicit HotTest(PrivatePostgres& server = PrivatePostgres::shared(), const std::string& main_file = "");

  /// Appends events of fifty aggregates, all of them OrderPlaced.
  void append(std::uint64_t events);
  /// The first cell; "" if there is none.
  std::string value(const std::string& sql);
  /// Whether the first cell is `expected`, now or within half a minute.
  bool becomes(const std::string& sql, const std::string& expected);

  /// A column of projector_workers: each value that the projection's workers have in it, once, with commas; "" where
  /// there is no row.
  std::string shown(const std::string& projection, const std::string& column);
  /// Whether that is `expected`, now or within half a minute.
  bool shows(const std::string& projection, const std::string& column, const std::string& expected);
  /// Whether the reason of every worker holds `part`, now or within half a minute.
  bool shows_reason(const std::string& projection, const std::string& part);
  /// Whether the projection is live in this generation, without any remark, and has stored all that was there when this
  /// was called, now or within half a minute.
  bool is_live(const std::string& projection, std::uint64_t generation);
  /// Waits until this generation is on trial, appends events, and returns whether it becomes live.
  bool passes_trial(const std::string& projection, std::uint64_t generation, std::uint64_t events);
  /// Whether every checkpoint reaches the newest event within a minute.
  bool caught_up();
  /// Rows by which the read model of a plugin that writes down what it sees differs from the events.
  std::int64_t difference(const std::string& projection);
  /// Waits until the host has scanned its files after all earlier changes: it adds another plugin and waits until that
  /// runs.
  void wait_for_scan();
  /// What to print when something is wrong: all workers' states, and the host's log.
  std::string everything();

  const std::string dsn_;
  HostProcess host_;

private:
  std::unique_ptr<pg::Connection> connection_;
  int probes_ = 0;
};

} // namespace projector::test
