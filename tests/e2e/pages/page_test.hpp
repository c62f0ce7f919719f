#pragma once

#include "page.hpp"

#include "support/host_process.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace projector::test {

/// A store and a host that is not started yet, to run what a page shows.
class PageTest : public testing::Test {
protected:
  PageTest();

  /// Builds the plugin whose code on the page holds `part`, and puts it in place as `name`.
  void install(const Page& page, const std::string& part, const std::string& name);
  /// Runs projectorctl with this host's configuration; returns its output if it succeeds.
  std::string ctl(const std::vector<std::string>& arguments);
  /// Whether every checkpoint reaches the newest event within a minute.
  bool caught_up();
  bool becomes(const std::string& sql, const std::string& expected);
  /// Rows by which the results of two queries differ.
  std::string difference(const std::string& found, const std::string& expected);
  std::string value(const std::string& sql);
  /// Deadlocks in this test's database, once the host's sessions have ended.
  std::string deadlocks_after_stop();

  const std::string dsn_;
  HostProcess host_;
  TemporaryDirectory built_;
};

} // namespace projector::test
