#include "hot_test.hpp"
#include "replacement.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

/// A file that is put in place of a running trial.so, and words of the reason for which it is refused.
struct Fault {
  const char* what;
  std::function<void(const fs::path& target)> put;
  const char* reason;
};

std::function<void(const fs::path&)> put(const std::string& version, const std::string& name) {
  return [=](const fs::path& target) { replace_file(built_plugin(version, name), target, Way::Rsync); };
}

void put_truncated(const fs::path& target) {
  const fs::path hidden = target.parent_path() / ".truncated";
  fs::copy_file(built_plugin("v2", "trial"), hidden);
  fs::resize_file(hidden, 3000);
  fs::permissions(hidden, fs::perms(0644));
  fs::rename(hidden, target);
}

void put_text(const fs::path& target) {
  const fs::path hidden = target.parent_path() / ".text";
  std::ofstream(hidden) << std::string(5000, 'x');
  fs::permissions(hidden, fs::perms(0644));
  fs::rename(hidden, target);
}

void put_writable(const fs::path& target) {
  const fs::path hidden = target.parent_path() / ".writable";
  fs::copy_file(built_plugin("v2", "trial"), hidden);
  fs::permissions(hidden, fs::perms(0666));
  fs::rename(hidden, target);
}

void put_link(const fs::path& target) {
  const fs::path hidden = target.parent_path() / ".link";
  fs::create_symlink(built_plugin("v2", "trial"), hidden);
  fs::rename(hidden, target);
}

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all{
      {"a truncated file", put_truncated, "trial.so"},
      {"no ELF file", put_text, "ELF"},
      {"another plugin's file", put(".", "noop"), "noop"},
      {"a file that everybody may write", put_writable, "chmod go-w"},
      {"a symbolic link", put_link, "is a symbolic link"},
      {"a file with an undefined symbol", put(".", "needs_missing_symbol"), "undefined symbol"},
      {"a library that is no plugin", put(".", "no_symbol"), "does not export projector_plugin_v1"},
      {"a file whose initialiser crashes", put(".", "crashes_on_load"), "ended in loading the plugin with signal 11"},
      {"a version that does not know a setting", put("new_setting", "trial"), "limit"}};
  return all;
}

class RefusedFile : public HotTest {};

TEST_F(RefusedFile, TheOldGenerationRunsOnWithTheReasonUntilAGoodFileComes) {
  const fs::path target = host_.plugin_directory() / "trial.so";
  host_.install_file(built_plugin("old_setting", "trial"), "trial");
  host_.write_projection_file("trial", "[projection.trial]\n[projection.trial.settings]\nlimit = 3\n");
  append(20);
  host_.start();
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  const auto thread = shown("trial", "thread");
  for (const auto& fault : faults()) {
    SCOPED_TRACE(fault.what);
    fault.put(target);
    ASSERT_TRUE(shows_reason("trial", "generation 1 keeps running: ")) << everything();
    ASSERT_TRUE(shows_reason("trial", fault.reason)) << everything();
    EXPECT_TRUE(host_.logs("trial: refused, generation 1 keeps running: "));
    EXPECT_EQ(shown("trial", "state"), "live");
    EXPECT_EQ(shown("trial", "generation"), "1");
    EXPECT_EQ(shown("trial", "plugin_version"), "5.0.0");
    EXPECT_EQ(shown("trial", "thread"), thread);
    append(5);
    ASSERT_TRUE(caught_up()) << everything();
    EXPECT_EQ(difference("trial"), 0);
  }
  // As a plugin without that setting it is refused, with it as any other.
  host_.write_projection_file("trial", "[projection.trial]\n");
  replace_file(built_plugin("v2", "trial"), target, Way::Rsync);
  ASSERT_TRUE(passes_trial("trial", 2, 5)) << everything();
  EXPECT_EQ(shown("trial", "plugin_version"), "2.0.0");
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("trial"), 0);
  EXPECT_EQ(value("SELECT count(*) FROM trial_seen WHERE projection = 'second'"), "5");
}

TEST_F(RefusedFile, AFileThatIsStillBeingWrittenIsTakenWhenItIsWhole) {
  const fs::path target = host_.plugin_directory() / "trial.so";
  host_.install_plugin("trial");
  append(5);
  host_.start();
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  const auto whole = built_plugin("v2", "trial");
  std::ifstream in(whole, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::ofstream out(target, std::ios::binary | std::ios::trunc);
  out << bytes.substr(0, bytes.size() / 2) << std::flush;
  wait_for_scan();
  EXPECT_EQ(shown("trial", "generation"), "1");
  EXPECT_EQ(shown("trial", "state"), "live");
  out << bytes.substr(bytes.size() / 2);
  out.close();
  ASSERT_TRUE(passes_trial("trial", 2, 5)) << everything();
  EXPECT_EQ(value("SELECT count(*) FROM trial_seen WHERE projection = 'second'"), "5");
}

TEST_F(RefusedFile, TheSameBytesAreNoNewGeneration) {
  const fs::path target = host_.plugin_directory() / "trial.so";
  host_.install_plugin("trial");
  append(5);
  host_.start();
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  const auto thread = shown("trial", "thread");
  fs::last_write_time(target, fs::file_time_type::clock::now());
  wait_for_scan();
  fs::permissions(target, fs::perms(0600));
  wait_for_scan();
  fs::permissions(target, fs::perms(0755));
  wait_for_scan();
  for (const auto way : kEveryWay) {
    replace_file(built_plugin(".", "trial"), target, way);
    wait_for_scan();
  }
  // A file that others can write would be refused at a start, so its state is refused until that is undone.
  fs::permissions(target, fs::perms(0666));
  EXPECT_TRUE(shows_reason("trial", "chmod go-w")) << everything();
  fs::permissions(target, fs::perms(0644));
  EXPECT_TRUE(is_live("trial", 1)) << everything();
  EXPECT_EQ(shown("trial", "thread"), thread);
  EXPECT_EQ(host_.log().find("generation 2"), std::string::npos) << host_.log();
}

} // namespace
} // namespace projector::test
