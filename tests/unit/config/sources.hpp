#pragma once

#include "config/load.hpp"
#include "support/temporary_directory.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace projector::config::test {

/// The files, options and environment of one load, in a directory of their own. Only HOME is set at first.
class Sources {
public:
  Sources() { overrides.environment["HOME"] = "/home/somebody"; }

  /// Writes main.toml.
  Sources& main(const std::string& text) { return file("main.toml", text); }
  Sources& file(const std::string& name, const std::string& text);

  Sources& environment(const std::string& name, const std::string& value) {
    overrides.environment[name] = value;
    return *this;
  }
  /// Adds an option --set.
  Sources& set(const std::string& option) {
    overrides.set.push_back(option);
    return *this;
  }

  [[nodiscard]] Loaded load() const { return config::load(directory_.path() / "main.toml", overrides); }
  /// The configuration; adds a test failure and returns an empty one if there are problems.
  [[nodiscard]] Configuration configuration() const;
  /// Like to_string, without this directory in the paths.
  [[nodiscard]] std::vector<std::string> messages(const std::vector<Problem>& problems) const;
  [[nodiscard]] std::vector<std::string> main_problems() const { return messages(load().main_problems); }
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }

  Overrides overrides;

private:
  projector::test::TemporaryDirectory directory_;
};

} // namespace projector::config::test
