#include "plugin/inspect.hpp"

#include "base/unique_fd.hpp"
#include "plugin/description.hpp"
#include "plugin/module.hpp"
#include "plugin/staging.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>

namespace projector::plugin {

namespace {

namespace fs = std::filesystem;

// The child's answer begins with one of these; an answer without its end is none.
constexpr char kGood = 'g';
constexpr char kRefused = 'r';
constexpr char kEnd = '\0';

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A directory for the child's copies that the parent removes, since the child may not live to do it.
class PrivateDirectory {
public:
  PrivateDirectory() {
    std::string name = (fs::temp_directory_path() / "projector-inspect-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      fail("cannot make a temporary directory to inspect the plugin in");
    }
    path_ = name;
  }
  ~PrivateDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
  fs::path path_;
};

std::string examine(const fs::path& file, const fs::path& directory) {
  try {
    StageResult staged = stage(file, directory);
    if (staged.refusal) {
      return kRefused + staged.refusal->reason;
    }
    const Module::LoadResult loaded = Module::load(std::move(*staged.staged));
    return loaded.refusal ? kRefused + loaded.refusal->reason : kGood + describe(*loaded.module);
  } catch (const std::exception& error) {
    return kRefused + std::string(error.what());
  }
}

[[noreturn]] void run_child(const fs::path& file, const fs::path& directory, int answer_fd, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(1);
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  ::dup2(STDERR_FILENO, STDOUT_FILENO); // what a plugin prints is not the answer
  const std::string answer = examine(file, directory) + kEnd;
  for (std::size_t done = 0; done < answer.size();) {
    const ssize_t written = ::write(answer_fd, answer.data() + done, answer.size() - done);
    if (written < 0 && errno != EINTR) {
      break;
    }
    done += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
  ::_exit(0);
}

/// Reads until the answer's end or the pipe's; false once the time is up.
bool read_answer(int fd, base::TimePoint deadline, std::string& answer) {
  while (answer.empty() || answer.back() != kEnd) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::Clock::now()).count();
    if (left <= 0) {
      return false;
    }
    pollfd waiting = {fd, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(left)) <= 0) {
      continue;
    }
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return true;
    }
    answer.append(bytes.data(), static_cast<std::size_t>(got));
  }
  return true;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("crashed while it was loaded: signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended the process while it was loaded: exit code {}", WEXITSTATUS(status));
}

Inspection refused(const std::string& reason) {
  return {false, "refused: " + reason + "\n"};
}

} // namespace

Inspection inspect(const fs::path& file, base::Duration limit) {
  const PrivateDirectory directory;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("cannot make a pipe to inspect the plugin");
  }
  const base::UniqueFd reader(ends[0]);
  base::UniqueFd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    fail("cannot start a process to inspect the plugin in");
  }
  if (child == 0) {
    run_child(file, directory.path(), writer.get(), parent);
  }
  ::setpgid(child, child);
  writer.reset();
  std::string answer;
  const bool in_time = read_answer(reader.get(), base::Clock::now() + limit, answer);
  if (!in_time) {
    ::kill(-child, SIGKILL);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) {
    return refused(fmt::format("{} was not loaded within {} ms: does a static initialiser wait for something?",
                               file.string(), std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()));
  }
  if (answer.empty() || answer.back() != kEnd) {
    return refused(file.string() + " " + how_it_ended(status));
  }
  answer.pop_back();
  return answer.front() == kGood ? Inspection{true, answer.substr(1)} : refused(answer.substr(1));
}

} // namespace projector::plugin
