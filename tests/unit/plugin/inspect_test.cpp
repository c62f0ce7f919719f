#include "plugin/inspect.hpp"

#include "plugin_files.hpp"

namespace projector::plugin {
namespace {

namespace fs = std::filesystem;

class Inspect : public test::PluginFiles {
protected:
  std::string path(const std::string& name) const { return (plugins() / (name + ".so")).string(); }
};

TEST_F(Inspect, AGoodFile) {
  const fs::path file = put("many_settings");
  const std::string sha256 = stage(file, staging()).staged.value().sha256;
  const Inspection found = inspect(file);
  EXPECT_TRUE(found.good);
  EXPECT_EQ(found.text, "file              " + file.string() +
                            "\n"
                            "sha256            " +
                            sha256 +
                            "\n"
                            "name              many_settings\n"
                            "version           1.0.0\n"
                            "description       a test plugin\n"
                            "interface         1.1, needs a host of 1.0\n"
                            "flags             TABLES_BY_PROJECTION\n"
                            "read model        version 1\n"
                            "event types       OrderPlaced, OrderPaid\n"
                            "aggregate types   all\n"
                            "bounded contexts  sales\n"
                            "functions         create destroy handle setup reset\n"
                            "settings\n"
                            "  currency (string, default \"EUR\"): what sums are in\n"
                            "  limit (integer, required): how many at most\n"
                            "  rate (number, default 0.5): share kept\n"
                            "  strict (boolean, default false): refuse what is odd\n"
                            "  filter.regions (strings, default []): where to look\n"
                            "  timeout (duration, default \"250ms\"): how long to wait\n"
                            "  buffer (size, default \"64KiB\"): how much to keep\n"
                            "  token (string, default hidden, secret): how to get in\n"
                            "  password (string, optional, secret)\n");
}

TEST_F(Inspect, AnExternalPluginWithoutSettings) {
  const Inspection external = inspect(put("external"));
  EXPECT_TRUE(external.good);
  EXPECT_NE(external.text.find("flags             EXTERNAL, TABLES_BY_PROJECTION\n"), std::string::npos)
      << external.text;
  const Inspection noop = inspect(put("noop"));
  EXPECT_NE(noop.text.find("settings          none\n"), std::string::npos) << noop.text;
}

TEST_F(Inspect, APluginThatKeepsOneTableForAllProjections) {
  const Inspection found = inspect(put("statement"));
  EXPECT_NE(found.text.find("flags             none\n"), std::string::npos) << found.text;
}

TEST_F(Inspect, ARefusedFile) {
  const fs::path open = put("noop");
  fs::permissions(open, fs::perms(0666));
  const Inspection others = inspect(open);
  EXPECT_FALSE(others.good);
  EXPECT_EQ(others.text, "refused: the file " + path("noop") +
                             " can be written by its group and others (mode 0666): they "
                             "could run code in the host. Run: chmod go-w " +
                             path("noop") + "\n");
  const Inspection handle = inspect(put("null_handle"));
  EXPECT_FALSE(handle.good);
  EXPECT_EQ(handle.text,
            "refused: " + path("null_handle") + " has a bad descriptor: handle is NULL, expected a function\n");
}

TEST_F(Inspect, AFileThatIsNotThere) {
  const Inspection found = inspect(plugins() / "noop.so");
  EXPECT_FALSE(found.good);
  EXPECT_EQ(found.text, "refused: " + path("noop") + " does not exist, or not yet\n");
}

TEST_F(Inspect, AFileThatCrashesItsLoader) {
  const Inspection found = inspect(put("crashes_on_load"));
  EXPECT_FALSE(found.good);
  EXPECT_EQ(found.text,
            "refused: " + path("crashes_on_load") +
                " cannot be loaded: its process ended in loading the plugin with signal 11 (Segmentation fault)\n");
}

TEST_F(Inspect, AFileWhoseInitialiserThrows) {
  const Inspection found = inspect(put("throws_on_load"));
  EXPECT_FALSE(found.good);
  EXPECT_EQ(found.text, "refused: " + path("throws_on_load") +
                            " cannot be loaded: its process ended in loading the plugin with signal 6 (Aborted)\n");
}

TEST_F(Inspect, AFileThatEndsItsLoader) {
  const Inspection found = inspect(put("exits_on_load"));
  EXPECT_FALSE(found.good);
  EXPECT_EQ(found.text, "refused: " + path("exits_on_load") +
                            " cannot be loaded: its process ended in loading the plugin with exit code 0\n");
}

TEST_F(Inspect, AFileThatNeverFinishesLoading) {
  const Inspection found = inspect(put("hangs_on_load"), std::chrono::milliseconds(200));
  EXPECT_FALSE(found.good);
  EXPECT_EQ(found.text,
            "refused: " + path("hangs_on_load") +
                " cannot be loaded: its process did not return from loading the plugin within 200ms, and was killed\n");
}

} // namespace
} // namespace projector::plugin
