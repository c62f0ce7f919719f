#include "plugin/module.hpp"

#include "base/stop.hpp"
#include "plugin/instance.hpp"
#include "plugin_files.hpp"

#include <vector>

namespace projector::plugin {
namespace {

namespace fs = std::filesystem;

class ModuleTest : public test::PluginFiles {
protected:
  /// Loads a copy that has to be refused; the reason without the file's path.
  std::string refusal(const std::string& name) const {
    const StagedFile file = staged(name);
    const Module::LoadResult result = Module::load(file);
    EXPECT_FALSE(result.module);
    EXPECT_FALSE(result.refusal.value().incomplete);
    EXPECT_FALSE(fs::exists(file.copy));
    const std::string path = (plugins() / (name + ".so")).string() + " ";
    EXPECT_EQ(result.refusal->reason.substr(0, path.size()), path);
    return result.refusal->reason.substr(path.size());
  }

  /// Passes `n` events to a noop plugin; returns what it logs when it is destroyed.
  static std::string count_events(const std::shared_ptr<Module>& module, std::size_t n) {
    std::string said;
    InstanceOptions options;
    options.projection_name = "noop";
    options.log = [&](std::int32_t, const std::string& text) { said = text; };
    Instance::Created created = Instance::create(module, std::move(options), [] { return false; });
    projector_batch batch = {};
    batch.struct_size = sizeof batch;
    batch.n_events = n;
    EXPECT_TRUE(created.instance->handle(nullptr, batch).ok());
    created.instance.reset();
    return said;
  }
};

TEST_F(ModuleTest, LoadsAGoodFile) {
  const auto module = loaded("recorder");
  const Facts& facts = module->facts();
  EXPECT_EQ(facts.name, "recorder");
  EXPECT_EQ(facts.version, "1.0.0");
  EXPECT_EQ(facts.read_model_version, 1U);
  EXPECT_TRUE(facts.has_reset);
  EXPECT_FALSE(facts.has_finished);
  EXPECT_FALSE(facts.external());
  EXPECT_EQ(module->file().name, "recorder");
}

TEST_F(ModuleTest, FlagsAreAmongTheFacts) {
  const auto external = loaded("external");
  EXPECT_TRUE(external->facts().external());
  EXPECT_FALSE(external->facts().shares_tables());
  EXPECT_TRUE(loaded("statement")->facts().shares_tables());
}

TEST_F(ModuleTest, UnloadsAndRemovesTheCopy) {
  auto module = loaded("noop");
  const fs::path copy = module->file().copy;
  EXPECT_TRUE(Module::still_mapped(copy));
  EXPECT_TRUE(fs::exists(copy));
  module.reset();
  EXPECT_FALSE(Module::still_mapped(copy));
  EXPECT_FALSE(fs::exists(copy));
}

TEST_F(ModuleTest, AnUnloadedCppPluginIsGoneToo) {
  auto module = loaded("handle_throws");
  const fs::path copy = module->file().copy;
  EXPECT_TRUE(Module::still_mapped(copy));
  module.reset();
  EXPECT_FALSE(Module::still_mapped(copy));
}

TEST_F(ModuleTest, TwoCopiesHaveSeparateStatics) {
  const StagedFile first = staged("noop");
  const StagedFile second = stage_again(first);
  const auto one = Module::load(first).module;
  const auto two = Module::load(second).module;
  EXPECT_EQ(count_events(one, 3), "3 events");
  EXPECT_EQ(count_events(one, 4), "7 events"); // the same copy goes on
  EXPECT_EQ(count_events(two, 2), "2 events");
}

TEST_F(ModuleTest, TheSourceCanBeOverwrittenWhileItsCopyIsLoaded) {
  const fs::path source = put("noop");
  const auto module = Module::load(stage(source, staging()).staged.value()).module;
  const auto end = fs::file_size(source);
  std::ofstream(source, std::ios::binary | std::ios::in) << std::string(end, 'x'); // in place, as cp does
  fs::resize_file(source, 0);
  EXPECT_EQ(count_events(module, 5), "5 events");
}

TEST_F(ModuleTest, ANewVersionAtTheSamePathIsTheNewOne) {
  auto old = loaded("recorder");
  const fs::path source = write("recorder.so", test::read_bytes(test::built_plugin("v2/recorder")));
  const auto fresh = Module::load(stage(source, staging()).staged.value()).module;
  EXPECT_EQ(old->facts().version, "1.0.0");
  EXPECT_EQ(fresh->facts().version, "2.0.0");
  EXPECT_NE(old->file().sha256, fresh->file().sha256);
  old.reset();
  EXPECT_EQ(fresh->facts().version, "2.0.0");
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
  EXPECT_EQ(refusal("newer_host"), "needs a host of plugin interface 1.7, this is 1.0: upgrade projectord");
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
} // namespace projector::plugin
