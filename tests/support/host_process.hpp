#pragma once

#include "support/temporary_directory.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace projector::test {

/// The built projectord with a configuration and plugin directory of its own, run as a user would. One thread.
class HostProcess {
public:
  /// `extra` is appended to the main configuration file; the DSN, directories and a quiet log are set before it.
  explicit HostProcess(std::string dsn, std::string extra = "");
  ~HostProcess(); ///< kills the process if it still runs
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;

  [[nodiscard]] std::filesystem::path configuration_file() const { return directory_.path() / "projectord.toml"; }
  [[nodiscard]] std::filesystem::path plugin_directory() const { return directory_.path() / "plugins"; }
  [[nodiscard]] std::filesystem::path state_directory() const { return directory_.path() / "state"; }
  [[nodiscard]] std::filesystem::path cache_directory() const { return directory_.path() / "cache"; }
  /// Writes projections.d/<name>.toml, by rename.
  void write_projection_file(const std::string& name, const std::string& toml) const;
  void write_configuration(const std::string& extra) const;

  /// Puts a shipped plugin of this build in place, by rename; if there is none of that name, one of tests/plugins.
  void install_plugin(const std::string& name) const;
  /// Puts any file in place as the plugin `name`, by rename.
  void install_file(const std::filesystem::path& file, const std::string& name) const;
  /// Puts a plugin in place, by rename, as another plugin `name`: the file's own name, which must have the same length,
  /// is replaced in its bytes.
  void install_renamed(const std::filesystem::path& file, const std::string& name) const;

  /// Sets the limits of a resource from the next start on, like setrlimit.
  void limit(int resource, std::uint64_t soft, std::uint64_t hard);

  /// From the next start on it logs to this descriptor, which the caller keeps open; log() and logs() do not work then.
  void log_into(int fd) noexcept { log_fd_ = fd; }

  /// A command that runs the program from now on, e.g. {"unshare", "--pid", "--fork"}. Signals are sent to that command
  /// then.
  void run_under(std::vector<std::string> words) { under_ = std::move(words); }

  /// Starts it; `arguments` come after --config and --plugin-dir, `environment` on top of the test's.
  void start(const std::vector<std::string>& arguments = {},
             const std::map<std::string, std::string>& environment = {});
  /// Starts it and waits until it ends. Returns the exit code, or -N for signal N.
  int run(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment = {});
  void signal(int number) const;
  void kill(); ///< sends SIGKILL and waits for the end
  int stop();  ///< sends SIGTERM and waits for the end: the exit code, or -N for signal N
  int wait();  ///< waits for the end: the exit code, or -N for signal N
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Its log since the first start.
  [[nodiscard]] std::string log() const;
  /// Whether the log contains `text`, now or within half a minute.
  [[nodiscard]] bool logs(const std::string& text) const;

private:
  std::string dsn_;
  TemporaryDirectory directory_;
  std::vector<std::string> under_;
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits_;
  int log_fd_ = -1;
  pid_t pid_ = -1;
  int status_ = 0;
};

/// Runs a program and returns its output (stdout and stderr) and its exit code (or -N for signal N).
struct Finished {
  int code = 0;
  std::string output;
};
Finished run_program(const std::vector<std::string>& command);

} // namespace projector::test
