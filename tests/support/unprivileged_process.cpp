#include "support/unprivileged_process.hpp"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace projector::test {

std::optional<Account> unprivileged_account() {
  if (::geteuid() != 0) {
    return std::nullopt;
  }
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* found = ::getpwnam(name)) {
      return Account{found->pw_uid, found->pw_gid};
    }
  }
  throw std::runtime_error("a server cannot run as root, and there is neither a user postgres nor a user nobody");
}

pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& directory,
            const std::optional<Account>& account, int log) {
  std::vector<char*> arguments;
  for (const auto& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  if (child != 0) {
    return child;
  }
  // Only calls that are safe after a fork of a process with threads.
  const bool changed =
      !account || (::setgroups(0, nullptr) == 0 && ::setgid(account->group) == 0 && ::setuid(account->user) == 0);
  // Called after setuid, which would reset it.
  const bool bound = changed && ::prctl(PR_SET_PDEATHSIG, SIGQUIT) == 0 && ::getppid() == parent;
  if (bound && ::chdir(directory.c_str()) == 0 && ::dup2(log, STDOUT_FILENO) >= 0 && ::dup2(log, STDERR_FILENO) >= 0) {
    ::execv(arguments[0], arguments.data());
  }
  ::_exit(127);
}

std::optional<int> exit_status(pid_t child) {
  int status = 0;
  const pid_t ended = ::waitpid(child, &status, WNOHANG);
  if (ended < 0) {
    throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  return ended == 0 ? std::nullopt : std::optional(status);
}

} // namespace projector::test
