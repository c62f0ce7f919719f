#include "sandboxed.hpp"

#include "runner/landlock.hpp"
#include "runner/syscall_filter.hpp"

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace projector::runner::test {
namespace {

constexpr auto kEnough = std::chrono::minutes(5);

} // namespace

std::string outcome(bool worked) {
  return worked ? "ok" : ::strerrorname_np(errno);
}

std::string in_child(const std::function<std::string()>& attempt) {
  return projector::test::ask_in_child(attempt, kEnough).text;
}

std::string in_sandbox(const SandboxOptions& options, const std::function<std::string()>& attempt) {
  return in_child([&] {
    enter_sandbox(options);
    const std::string answer = attempt();
    return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD ? answer : answer + ", and a child is left";
  });
}

std::string report_line(const SandboxOptions& options, const std::function<void()>& before) {
  return in_child([&] {
    before();
    return enter_sandbox(options).line();
  });
}

bool seccomp_works() {
  const auto answer = in_child([] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return std::string(filter_calls({}) == 0 ? "works" : "refused");
  });
  if (answer != "works") {
    EXPECT_THAT(report_line({}), testing::HasSubstr("no seccomp ("));
  }
  return answer == "works";
}

bool landlock_works() {
  if (landlock_abi() < 1) {
    EXPECT_THAT(report_line({}), testing::HasSubstr("no Landlock ("));
  }
  return landlock_abi() >= 1;
}

Directories::Directories() {
  for (const auto& file : {state("old"), foreign("secret")}) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << "text";
  }
}

SandboxOptions Directories::options() const {
  SandboxOptions options;
  options.state_directory = state("");
  return options;
}

std::string open_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  const std::string answer = outcome(fd >= 0);
  if (fd >= 0) {
    ::close(fd);
  }
  return answer;
}

} // namespace projector::runner::test
