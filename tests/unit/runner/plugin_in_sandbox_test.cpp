#include "runner/loaded_image.hpp"
#include "sandboxed.hpp"

#include <dlfcn.h>

namespace projector::runner::test {
namespace {

class PluginInSandbox : public testing::TestWithParam<const char*> {};

TEST_P(PluginInSandbox, IsLoaded) {
  if (with_sanitizer()) {
    GTEST_SKIP() << "needs no sanitizer";
  }
  const auto path = std::string(PROJECTOR_TEST_PLUGIN_DIR) + "/" + GetParam() + ".so";
  const Directories directories;
  auto options = directories.options();
  options.readable = {path};
  const auto load = [&]() -> std::string {
    void* plugin = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
      return ::dlerror();
    }
    const void* symbol = ::dlsym(plugin, "projector_plugin_v1");
    const auto image = image_of(symbol);
    return symbol != nullptr && image ? image->path : "no symbol";
  };
  EXPECT_EQ(in_sandbox(options, load), path);
  options.external = true;
  EXPECT_EQ(in_sandbox(options, load), path);
}

INSTANTIATE_TEST_SUITE_P(Each, PluginInSandbox,
                         testing::Values("user_counter", "revenue", "activity_log", "external_sample"),
                         [](const auto& test) { return std::string(test.param); });

} // namespace
} // namespace projector::runner::test
