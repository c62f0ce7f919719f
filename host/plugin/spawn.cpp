#include "plugin/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

namespace projector::plugin {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

void check(int error, const char* what) {
  if (error != 0) {
    fail(error, what);
  }
}

class FileActions {
public:
  FileActions() { check(::posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init"); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open_null(int number) {
    check(::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDONLY, 0), "addopen");
  }
  void duplicate(int fd, int number) { check(::posix_spawn_file_actions_adddup2(&actions_, fd, number), "adddup2"); }
  void close_from(int number) {
    check(::posix_spawn_file_actions_addclosefrom_np(&actions_, number), "addclosefrom_np");
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
  posix_spawn_file_actions_t actions_ = {};
};

class Attributes {
public:
  Attributes() {
    check(::posix_spawnattr_init(&attributes_), "posix_spawnattr_init");
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
  posix_spawnattr_t attributes_ = {};
};

/// Copies of the descriptors above all numbers that they get in the child, so that no dup2 there overwrites a source
/// of the next one.
std::vector<base::UniqueFd> lifted(const std::vector<int>& descriptors) {
  std::vector<base::UniqueFd> copies;
  copies.reserve(descriptors.size());
  for (const int fd : descriptors) {
    copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, static_cast<int>(descriptors.size()) + 1));
    if (!copies.back()) {
      fail(errno, "cannot pass descriptor " + std::to_string(fd) + " on");
    }
  }
  return copies;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

} // namespace

Spawned spawn(const Command& command, const std::vector<int>& descriptors) {
  const auto copies = lifted(descriptors);
  FileActions actions;
  int number = 0;
  actions.open_null(number++);
  for (const auto& copy : copies) {
    actions.duplicate(copy.get(), number++);
  }
  actions.close_from(number);
  const Attributes attributes;
  const auto words = pointers(command.words);
  const auto environment = pointers(command.environment);
  Spawned spawned;
  const int error = ::posix_spawn(&spawned.pid, command.program.c_str(), actions.get(), attributes.get(), words.data(),
                                  environment.data());
  if (error != 0) {
    fail(error, "cannot start " + command.program);
  }
  spawned.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, spawned.pid, 0)));
  if (!spawned.pidfd) {
    const int cause = errno;
    ::kill(-spawned.pid, SIGKILL);
    while (::waitpid(spawned.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    fail(cause, "cannot watch " + command.program + " (pidfd_open)");
  }
  return spawned;
}

std::vector<std::string> runner_environment(const char* const* environment) {
  std::vector<std::string> result;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const std::string_view name = variable.substr(0, variable.find('='));
    if (name == "TZ" || name == "LANG" || name.substr(0, 3) == "LC_") {
      result.emplace_back(variable);
    }
  }
  return result;
}

} // namespace projector::plugin
