#pragma once

#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace projector::control {

/// A run of projectorctl that is over.
struct Finished {
  int exit_code = -1; ///< -1: it did not end by itself
  std::string out;
  std::string error;
};

/// A directory with a main.toml and a plugin directory, and the built projectorctl, which sees nothing of the test's
/// own environment.
class Program : public ::testing::Test {
protected:
  Program();

  /// `arguments` as a shell takes them.
  [[nodiscard]] Finished run(const std::string& arguments) const;
  /// The same with --config behind it.
  [[nodiscard]] Finished run_configured(const std::string& arguments) const {
    return run(arguments + " --config " + path("main.toml"));
  }
  void write(const std::string& name, const std::string& text) const;
  /// Writes main.toml: the plugin directory, `dsn`, and `tables` behind them.
  void write_main(const std::string& tables, const std::string& dsn = "host=/nonexistent") const;
  /// Copies one of the tests' plugins into the plugin directory.
  void add_plugin(const std::string& name, const std::string& directory = "plugins") const;
  [[nodiscard]] std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  /// With the test's directory cut away.
  [[nodiscard]] std::string shorten(std::string text) const;

private:
  test::TemporaryDirectory directory_;
};

} // namespace projector::control
