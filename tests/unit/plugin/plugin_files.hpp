#pragma once

#include "plugin/staging.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace projector::plugin::test {

namespace fs = std::filesystem;

inline fs::path built_plugin(const std::string& name) {
  return fs::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (name + ".so");
}

inline std::string read_bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A directory of plugin files and one of staged copies.
class PluginFiles : public ::testing::Test {
protected:
  PluginFiles() {
    fs::create_directory(plugins());
    fs::permissions(plugins(), fs::perms(0755));
  }

  [[nodiscard]] fs::path plugins() const { return directory_.path() / "plugins"; }
  [[nodiscard]] const fs::path& staging() const { return staging_.path(); }

  fs::path write(const std::string& file_name, const std::string& bytes) const {
    fs::path file = plugins() / file_name;
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    fs::permissions(file, fs::perms(0644));
    return file;
  }
  /// Puts a copy of a built plugin into plugins().
  fs::path put(const std::string& name) const { return write(name + ".so", read_bytes(built_plugin(name))); }

  [[nodiscard]] StageResult stage_bytes(const std::string& bytes) const {
    return stage(write("noop.so", bytes), staging());
  }
  [[nodiscard]] StagedFile staged(const std::string& name) const { return stage(put(name), staging()).staged.value(); }

private:
  projector::test::TemporaryDirectory directory_;
  StagingDirectory staging_{directory_.path() / "staging"};
};

} // namespace projector::plugin::test
