#include "runner/module.hpp"

#include "runner/instance.hpp"
#include "unit/plugin/plugin_files.hpp"
#include "unit/runner/load.hpp"

#include <fstream>

namespace projector::runner {
namespace {

namespace fs = std::filesystem;

class ModuleTest : public plugin::test::PluginFiles {
protected:
  /// Loads a copy that has to be refused; the reason without the file's path.
  std::string refusal(const std::string& name) const {
    const auto file = staged(name);
    const Module::LoadResult result = Module::load({file.copy, file.source, file.name});
    EXPECT_FALSE(result.module);
    EXPECT_FALSE(result.refusal.value().incomplete);
    const std::string path = (plugins() / (name + ".so")).string() + " ";
    EXPECT_EQ(result.refusal->reason.substr(0, path.size()), path);
    return result.refusal->reason.substr(path.size());
  }
};

TEST_F(ModuleTest, LoadsAGoodFile) {
  const auto module = load(staged("recorder"));
  const plugin::Facts& facts = module.facts();
  EXPECT_EQ(facts.name, "recorder");
  EXPECT_EQ(facts.version, "1.0.0");
  EXPECT_EQ(facts.read_model_version, 1U);
  EXPECT_TRUE(facts.has_reset);
  EXPECT_FALSE(facts.has_finished);
  EXPECT_FALSE(facts.external());
}

TEST_F(ModuleTest, FlagsAreAmongTheFacts) {
  const auto external = load(staged("external"));
  EXPECT_TRUE(external.facts().external());
  EXPECT_FALSE(external.facts().shares_tables());
  EXPECT_TRUE(load(staged("statement")).facts().shares_tables());
}

TEST_F(ModuleTest, TheSourceCanBeOverwrittenWhileItsCopyIsLoaded) {
  const fs::path source = put("noop");
  const auto module = load(plugin::stage(source, staging()).staged.value());
  const auto end = fs::file_size(source);
  std::ofstream(source, std::ios::binary | std::ios::in) << std::string(end, 'x'); // in place, as cp does
  fs::resize_file(source, 0);
  std::string said;
  InstanceOptions options;
  options.projection_name = "noop";
  options.log = [&](std::int32_t, const std::string& text) { said = text; };
  auto created = Instance::create(module, std::move(options), [] { return false; });
  projector_batch batch = {};
  batch.struct_size = sizeof batch;
  batch.n_events = 5;
  EXPECT_TRUE(created.instance->handle(nullptr, batch).ok());
  created.instance.reset();
  EXPECT_EQ(said, "5 events");
}

TEST_F(ModuleTest, StaysLoaded) {
  const auto file = staged("recorder");
  const projector_plugin descriptor = load(file).descriptor();
  EXPECT_STREQ(descriptor.version, "1.0.0") << "it lies in the library";
}

TEST_F(ModuleTest, RefusesAMissingSymbolAtLoad) {
  EXPECT_EQ(refusal("needs_missing_symbol"),
            "cannot be loaded: undefined symbol: projector_test_missing_function; link the "
            "library that defines it (-z defs shows this when the plugin is linked)");
}

TEST_F(ModuleTest, RefusesBadDescriptors) {
  EXPECT_EQ(refusal("size_zero"), "has a bad descriptor: struct_size is 0, expected " +
                                      std::to_string(sizeof(projector_plugin)) +
                                      " to 65536: set it to sizeof(projector_plugin)");
  EXPECT_EQ(refusal("size_huge"), "has a bad descriptor: struct_size is 2147483647, expected " +
                                      std::to_string(sizeof(projector_plugin)) +
                                      " to 65536: set it to sizeof(projector_plugin)");
  EXPECT_EQ(refusal("newer_host"), "needs a host of plugin interface 1.7, this is 1.1: upgrade projectord");
  EXPECT_EQ(refusal("null_handle"), "has a bad descriptor: handle is NULL, expected a function");
  EXPECT_EQ(refusal("bad_name"),
            "has a bad descriptor: the name is \"another_name\", expected \"bad_name\" as the file is "
            "called: rename the file to another_name.so");
  EXPECT_EQ(refusal("unknown_flags"),
            "has a bad descriptor: flags are 0x80000000, of which this host knows 0x3 only: clear "
            "the others, or upgrade projectord");
  EXPECT_EQ(refusal("bad_setting"),
            "has a bad descriptor: setting colour has type 99, expected PROJECTOR_SETTING_STRING (1) "
            "to _SIZE (7)");
}

} // namespace
} // namespace projector::runner
