#include "sandboxed.hpp"

#include "runner/landlock.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace projector::runner::test {
namespace {

struct FileAttempt {
  const char* name;
  const char* expected;
  std::string (*attempt)(const Directories&);
};

std::string list(const std::string& path) {
  return outcome(::opendir(path.c_str()) != nullptr);
}

// Outside the test's directories they leave nothing behind where they are not refused.
constexpr FileAttempt kRefused[] = {
    {"read_foreign", "EACCES", [](const Directories& in) { return open_file(in.foreign("secret"), O_RDONLY); }},
    {"write_foreign", "EACCES", [](const Directories& in) { return open_file(in.foreign("secret"), O_WRONLY); }},
    {"make_foreign", "EACCES", [](const Directories& in) { return open_file(in.foreign("new"), O_CREAT | O_RDWR); }},
    {"unlink_foreign", "EACCES",
     [](const Directories& in) { return outcome(::unlink(in.foreign("secret").c_str()) == 0); }},
    {"mkdir_foreign", "EACCES",
     [](const Directories& in) { return outcome(::mkdir(in.foreign("new").c_str(), 0700) == 0); }},
    {"list_foreign", "EACCES", [](const Directories& in) { return list(in.foreign("")); }},
    {"read_foreign_through_a_link", "EACCES",
     [](const Directories& in) {
       return ::symlink(in.foreign("secret").c_str(), in.state("link").c_str()) == 0
                  ? open_file(in.state("link"), O_RDONLY)
                  : outcome(false);
     }},
    {"shadow", "EACCES", [](const Directories&) { return open_file("/etc/shadow", O_RDONLY); }},
    {"passwd", "EACCES", [](const Directories&) { return open_file("/etc/passwd", O_RDONLY); }},
    {"resolv_conf", "EACCES", [](const Directories&) { return open_file("/etc/resolv.conf", O_RDONLY); }},
    {"memory_of_the_parent", "EACCES",
     [](const Directories&) { return open_file("/proc/" + std::to_string(::getppid()) + "/mem", O_RDWR); }},
    {"environment_of_the_parent", "EACCES",
     [](const Directories&) { return open_file("/proc/" + std::to_string(::getppid()) + "/environ", O_RDONLY); }},
    {"own_memory", "EACCES", [](const Directories&) { return open_file("/proc/self/mem", O_RDWR); }},
    {"list_the_root", "EACCES", [](const Directories&) { return list("/"); }},
    {"write_below_usr", "EACCES", [](const Directories&) { return open_file("/usr", O_TMPFILE | O_WRONLY); }},
    {"shared_memory", "EACCES", [](const Directories&) { return open_file("/dev/shm", O_TMPFILE | O_RDWR); }},
};

constexpr FileAttempt kAllowed[] = {
    {"read_own", "ok", [](const Directories& in) { return open_file(in.state("old"), O_RDONLY); }},
    {"write_own", "ok", [](const Directories& in) { return open_file(in.state("old"), O_RDWR | O_TRUNC); }},
    {"make_own", "ok", [](const Directories& in) { return open_file(in.state("new"), O_CREAT | O_EXCL | O_WRONLY); }},
    {"rename_own", "ok",
     [](const Directories& in) { return outcome(::rename(in.state("old").c_str(), in.state("new").c_str()) == 0); }},
    {"list_own", "ok", [](const Directories& in) { return list(in.state("")); }},
    {"list_usr", "ok", [](const Directories&) { return list("/usr/lib"); }},
    {"null", "ok", [](const Directories&) { return open_file("/dev/null", O_RDWR); }},
    {"random", "ok", [](const Directories&) { return open_file("/dev/urandom", O_RDONLY); }},
};

class SandboxFiles : public testing::TestWithParam<FileAttempt> {};

TEST_P(SandboxFiles, AreLimited) {
  if (with_sanitizer() || !seccomp_works() || !landlock_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp, Landlock";
  }
  const Directories directories;
  EXPECT_EQ(in_sandbox(directories.options(), [&] { return GetParam().attempt(directories); }), GetParam().expected);
}

const auto name_of = [](const auto& test) { return std::string(test.param.name); };
INSTANTIATE_TEST_SUITE_P(Refused, SandboxFiles, testing::ValuesIn(kRefused), name_of);
INSTANTIATE_TEST_SUITE_P(Allowed, SandboxFiles, testing::ValuesIn(kAllowed), name_of);

TEST(Sandbox, OptionsNameMoreFiles) {
  if (with_sanitizer() || !seccomp_works() || !landlock_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp, Landlock";
  }
  const Directories directories;
  auto options = directories.options();
  options.readable = {directories.foreign("secret")};
  EXPECT_EQ(in_sandbox(options, [&] { return open_file(directories.foreign("secret"), O_RDONLY); }), "ok");
  EXPECT_EQ(in_sandbox(options, [&] { return open_file(directories.foreign("secret"), O_WRONLY); }), "EACCES");
  options.writable = {directories.foreign("")};
  EXPECT_EQ(in_sandbox(options, [&] { return open_file(directories.foreign("new"), O_CREAT | O_WRONLY); }), "ok");
}

TEST(Sandbox, NamesAPathThatItCannotOpen) {
  if (!landlock_works()) {
    GTEST_SKIP() << "needs Landlock";
  }
  SandboxOptions options;
  options.readable = {"/nowhere/at/all"};
  const auto answer = in_child([&]() -> std::string {
    try {
      enter_sandbox(options);
      return "entered";
    } catch (const std::system_error& error) {
      return error.what();
    }
  });
  EXPECT_EQ(answer, "cannot open /nowhere/at/all for a plugin's sandbox: No such file or directory");
}

TEST(Sandbox, DoesNotLetAPluginCutForeignFiles) {
  if (with_sanitizer() || !seccomp_works() || !landlock_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp, Landlock";
  }
  const Directories directories;
  const auto truncate = [&](const std::string& path) {
    return in_sandbox(directories.options(), [&] { return outcome(::truncate(path.c_str(), 0) == 0); });
  };
  const bool landlock_notices = landlock_abi() >= 3;
  EXPECT_EQ(truncate(directories.foreign("secret")), landlock_notices ? "EACCES" : "EPERM");
  EXPECT_EQ(truncate(directories.state("old")), landlock_notices ? "ok" : "EPERM");
}

} // namespace
} // namespace projector::runner::test
