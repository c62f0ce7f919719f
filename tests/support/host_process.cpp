#include "support/host_process.hpp"

#include "support/wait.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write_by_rename(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  const fs::path temporary = file.string() + ".new";
  std::ofstream(temporary, std::ios::binary) << text;
  fs::rename(temporary, file);
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

[[noreturn]] void exec_command(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const auto& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

} // namespace

HostProcess::HostProcess(std::string dsn, std::string extra) : dsn_(std::move(dsn)) {
  fs::create_directories(plugin_directory());
  fs::permissions(plugin_directory(), fs::perms(0755));
  write_configuration(extra);
}

HostProcess::~HostProcess() {
  kill();
}

void HostProcess::write_configuration(const std::string& extra) const {
  write_by_rename(configuration_file(),
                  fmt::format("include = [\"projections.d/*.toml\"]\n[event_store]\ndsn = \"{}\"\n[plugins]\n"
                              "directories = [\"{}\"]\ncache = \"{}\"\nstate = \"{}\"\n{}",
                              dsn_, plugin_directory().string(), (directory_.path() / "cache").string(),
                              state_directory().string(), extra));
}

void HostProcess::write_projection_file(const std::string& name, const std::string& toml) const {
  write_by_rename(directory_.path() / "projections.d" / (name + ".toml"), toml);
}

void HostProcess::install_plugin(const std::string& name) const {
  const fs::path shipped = fs::path(PROJECTOR_TEST_PLUGIN_DIR) / (name + ".so");
  install_file(fs::exists(shipped) ? shipped : fs::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (name + ".so"), name);
}

void HostProcess::install_file(const fs::path& file, const std::string& name) const {
  const fs::path temporary = plugin_directory() / (".new." + name);
  fs::copy_file(file, temporary, fs::copy_options::overwrite_existing);
  fs::permissions(temporary, fs::perms(0644));
  fs::rename(temporary, plugin_directory() / (name + ".so"));
}

void HostProcess::install_renamed(const std::filesystem::path& file, const std::string& name) const {
  const std::string old = file.stem().string() + '\0';
  std::string bytes = read_all(file);
  auto found = bytes.find(old);
  if (old.size() != name.size() + 1 || found == std::string::npos) {
    throw std::logic_error(fmt::format("{} holds no name that {} could replace", file.string(), name));
  }
  for (; found != std::string::npos; found = bytes.find(old, found + 1)) {
    bytes.replace(found, name.size(), name);
  }
  const fs::path temporary = plugin_directory() / (".new." + name);
  std::ofstream(temporary, std::ios::binary) << bytes;
  fs::permissions(temporary, fs::perms(0644));
  fs::rename(temporary, plugin_directory() / (name + ".so"));
}

void HostProcess::limit(int resource, std::uint64_t soft, std::uint64_t hard) {
  limits_[resource] = {soft, hard};
}

void HostProcess::start(const std::vector<std::string>& arguments,
                        const std::map<std::string, std::string>& environment) {
  std::vector<std::string> command{PROJECTOR_TEST_BIN_DIR "/projectord", "--config", configuration_file().string(),
                                   "--plugin-dir", plugin_directory().string()};
  command.insert(command.begin(), under_.begin(), under_.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  const std::string log = (directory_.path() / "log").string();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw std::runtime_error("fork failed");
  }
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const auto& [name, value] : environment) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    for (const auto& [resource, limits] : limits_) {
      const rlimit wanted{limits.first, limits.second};
      ::setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
    }
    const int fd = log_fd_ >= 0 ? log_fd_ : ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    exec_command(command);
  }
}

int HostProcess::run(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment) {
  start(arguments, environment);
  return wait();
}

void HostProcess::signal(int number) const {
  if (pid_ > 0) {
    ::kill(pid_, number);
  }
}

void HostProcess::kill() {
  signal(SIGKILL);
  wait();
}

int HostProcess::stop() {
  signal(SIGTERM);
  return wait();
}

int HostProcess::wait() {
  if (pid_ > 0) {
    ::waitpid(pid_, &status_, 0);
    pid_ = -1;
  }
  return code_of(status_);
}

bool HostProcess::running() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
    pid_ = -1;
  }
  return pid_ > 0;
}

std::string HostProcess::log() const {
  return read_all(directory_.path() / "log");
}

bool HostProcess::logs(const std::string& text) const {
  return eventually([&] { return log().find(text) != std::string::npos; });
}

Finished run_program(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2 failed");
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    exec_command(command);
  }
  ::close(ends[1]);
  Finished finished;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    finished.output.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  finished.code = code_of(status);
  return finished;
}

} // namespace projector::test
