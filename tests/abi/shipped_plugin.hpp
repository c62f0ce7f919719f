#pragma once

#include "unit/sdk/fake_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <dlfcn.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace projector::test {

/// A plugin that was built beside this program.
class Library {
public:
  explicit Library(const std::string& name, const std::string& directory = PLUGIN_DIRECTORY)
      : handle_(dlopen((directory + "/" + name + ".so").c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      throw std::runtime_error(dlerror());
    }
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  [[nodiscard]] const projector_plugin& plugin() const {
    return *static_cast<const projector_plugin*>(dlsym(handle_, "projector_plugin_v1"));
  }

private:
  void* handle_;
};

/// The plugin's answer to one batch, and what it sent.
struct Handled {
  projector_status status;
  std::uint32_t event_index;
  std::string text;
  std::vector<RecordedStatement> statements;
};

inline Handled handle_batch(const char* name, std::vector<projector_event> events, projector_config config = {}) {
  const Library library(name);
  FakeHost host;
  PluginObject object(library.plugin(), host, config);
  EXPECT_EQ(object.created, PROJECTOR_OK) << object.error.text();
  EXPECT_EQ(object.setup(), PROJECTOR_OK);
  EXPECT_EQ(object.reset(), PROJECTOR_OK);
  for (const RecordedStatement& statement : host.statements) {
    EXPECT_EQ(statement.flags, PROJECTOR_SQL_ONCE);
    EXPECT_THAT(statement.sql, testing::HasSubstr(" sales_")) << "tables begin with the projection's name";
  }
  host.statements.clear();
  EventBatch batch(std::move(events));
  const projector_status status = object.handle(batch);
  return {status, object.error.event_index(), object.error.text(), std::move(host.statements)};
}

} // namespace projector::test
