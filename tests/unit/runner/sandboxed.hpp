#pragma once

#include "runner/sandbox.hpp"
#include "support/child_answer.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace projector::runner::test {

/// The runtime of a sanitizer makes system calls of its own, e.g. for its shadow memory and its reports, which no
/// plugin may make. So tests that do something in the sandbox return at once where this is true.
inline bool with_sanitizer() {
  return !std::string_view(PROJECTOR_TEST_SANITIZE).empty();
}

/// "ok", or the name of errno, e.g. "EPERM".
std::string outcome(bool worked);

/// What `attempt` answers in a child process, or how that one ended.
std::string in_child(const std::function<std::string()>& attempt);
/// What `attempt` answers in a child process that has entered the sandbox. A child that is left is a failure.
std::string in_sandbox(const SandboxOptions& options, const std::function<std::string()>& attempt);
/// The line of the report in a child process that entered the sandbox after `before`.
std::string report_line(
    const SandboxOptions& options, const std::function<void()>& before = [] {});

/// False in a container that forbids filters; then the line says so, which is checked here.
bool seccomp_works();
/// False for a kernel without Landlock; then the line says so, which is checked here.
bool landlock_works();

/// A state directory with the file `old` in it, and beside it a directory that is not the plugin's, with `secret`.
class Directories {
public:
  Directories();
  [[nodiscard]] std::string state(const std::string& name) const { return directory_.path() / "state" / name; }
  [[nodiscard]] std::string foreign(const std::string& name) const { return directory_.path() / "foreign" / name; }
  [[nodiscard]] SandboxOptions options() const;

private:
  projector::test::TemporaryDirectory directory_;
};

/// "ok" or the name of errno of an open(2).
std::string open_file(const std::string& path, int flags);

} // namespace projector::runner::test
