#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace projector::test {

/// The account that servers run as, since they refuse to run as root.
struct Account {
  uid_t user;
  gid_t group;
};

/// postgres or nobody if the test runs as root; else nothing, and the test's own user is used.
std::optional<Account> unprivileged_account();

/// Starts a program in `directory` with its output appended to the descriptor `log`. It is ended by SIGQUIT when this
/// process ends. Throws std::system_error.
pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& directory,
            const std::optional<Account>& account, int log);

/// The exit status of a child as waitpid gives it, or nothing while it runs.
std::optional<int> exit_status(pid_t child);

} // namespace projector::test
