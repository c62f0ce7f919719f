#include "plugin/staging.hpp"

#include "plugin/sha256.hpp"
#include "plugin_files.hpp"
#include "support/wait.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>
#include <thread>

namespace projector::plugin {
namespace {

using test::read_bytes;
namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777U;
}

class Staging : public test::PluginFiles {};

TEST(Sha256, KnownValues) {
  // FIPS 180-2, appendix B
  Sha256 abc;
  abc.add("a", 1);
  abc.add("bc", 2);
  EXPECT_EQ(abc.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256().finish(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(Staging, CopiesUnderANameOfItsOwn) {
  const fs::path source = put("noop");
  const StagedFile file = stage(source, staging()).staged.value();
  Sha256 sha256;
  const std::string bytes = read_bytes(source);
  sha256.add(bytes.data(), bytes.size());
  EXPECT_EQ(file.sha256, sha256.finish());
  EXPECT_EQ(file.source, source);
  EXPECT_EQ(file.name, "noop");
  EXPECT_EQ(file.copy.parent_path(), staging());
  const std::string beginning = "noop." + file.sha256.substr(0, 12) + ".";
  EXPECT_EQ(file.copy.filename().string().substr(0, beginning.size()), beginning);
  EXPECT_EQ(file.copy.filename().string().size(), beginning.size() + 6 + 3);
  EXPECT_EQ(read_bytes(file.copy), bytes);
  EXPECT_EQ(mode_of(file.copy), 0500U);
  const StagedFile second = stage(source, staging()).staged.value();
  EXPECT_NE(second.copy, file.copy);
  EXPECT_EQ(second.sha256, file.sha256);
}

TEST_F(Staging, AStagingDirectoryThatIsGoneThrows) {
  EXPECT_THROW(stage(put("noop"), staging() / "absent"), std::system_error);
}

#ifdef PROJECTOR_TEST_POINTS
using StagingDeathTest = Staging;

/// Runs in a child process, since test points are armed once per process.
TEST_F(StagingDeathTest, AFileThatIsWrittenWhileItIsCopiedIsIncomplete) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [this] {
    const fs::path here = plugins() / "copied";
    ::setenv("PROJECTOR_TEST_POINT", ("plugin_copied=signal:" + here.string()).c_str(), 1);
    const fs::path source = put("noop");
    StageResult result;
    std::thread stager([&] { result = stage(source, staging()); });
    const bool copied = projector::test::eventually([&] { return fs::exists(here); });
    std::ofstream(source, std::ios::binary | std::ios::app) << "more";
    fs::remove(here);
    stager.join();
    const std::string reason = source.string() + " was changed while it was read: it is read again";
    fs::remove_all(plugins().parent_path()); // the child ends without running destructors
    ::_exit(copied && result.refusal && result.refusal->incomplete && result.refusal->reason == reason ? 0 : 1);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "");
}
#endif

TEST(StagingDirectoryTest, IsPrivateAndEndsWithItsOwner) {
  const projector::test::TemporaryDirectory directory;
  fs::path own;
  {
    const StagingDirectory staging(directory.path() / "a" / "cache");
    own = staging.path();
    EXPECT_EQ(own.parent_path(), fs::canonical(directory.path()) / "a" / "cache");
    EXPECT_EQ(own.filename().string().substr(0, std::to_string(::getpid()).size() + 1),
              std::to_string(::getpid()) + "-");
    EXPECT_EQ(mode_of(own), 0700U);
    EXPECT_EQ(mode_of(own.parent_path()), 0700U);
    std::ofstream(own / "left.so") << "x";
  }
  EXPECT_FALSE(fs::exists(own));
  EXPECT_TRUE(fs::exists(directory.path() / "a" / "cache"));
}

TEST(StagingDirectoryTest, SweepsWhatADeadHostLeftAndNothingElse) {
  const projector::test::TemporaryDirectory directory;
  const fs::path cache = directory.path() / "cache";
  const StagingDirectory living(cache);
  std::ofstream(living.path() / "used.so") << "x";
  // Another process ends without its destructors.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto* dead = new StagingDirectory(cache);
    std::ofstream(dead->path() / "left.so") << "x";
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  fs::create_directory(cache / "somebody-else's");
  fs::create_directory(cache / "123-tools");
  std::ofstream(cache / "a file") << "x";
  const auto count = [&] { return std::distance(fs::directory_iterator(cache), fs::directory_iterator()); };
  EXPECT_EQ(count(), 6); // the lock, the living, the dead and three others

  const StagingDirectory next(cache);
  EXPECT_EQ(count(), 6); // the dead one went, the next one came
  EXPECT_TRUE(fs::exists(living.path() / "used.so"));
  EXPECT_TRUE(fs::exists(cache / "somebody-else's"));
  EXPECT_TRUE(fs::exists(cache / "123-tools"));
  EXPECT_TRUE(fs::exists(cache / "a file"));
  for (const auto& entry : fs::directory_iterator(cache)) {
    EXPECT_FALSE(fs::exists(entry.path() / "left.so")) << entry.path();
  }
}

TEST(StagingDirectoryTest, RefusesADirectoryThatOthersMayWrite) {
  const projector::test::TemporaryDirectory directory;
  fs::permissions(directory.path(), fs::perms(0777));
  try {
    const StagingDirectory staging(directory.path());
    FAIL() << "it was taken";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EPERM);
    EXPECT_EQ(std::string(error.what())
                  .find("the directory for copies of plugins, " + fs::absolute(directory.path()).string() +
                        ", can be written by others (uid " + std::to_string(::geteuid()) +
                        ", mode 0777): choose another as plugins.cache"),
              0U)
        << error.what();
  }
  std::ofstream(directory.path() / "file") << "x";
  EXPECT_THROW(StagingDirectory(directory.path() / "file"), std::system_error);
}

} // namespace
} // namespace projector::plugin
