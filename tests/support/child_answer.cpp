#include "support/child_answer.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace projector::test {
namespace {

// A child that dies while it writes leaves an answer without this end mark. Such an answer is not used.
constexpr char kEnd = '\0';

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void answer_and_exit(const std::function<std::string()>& question, int answer_fd, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(1);
  }
  // A handler of a sanitizer or of the program would turn the signal into an exit.
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  std::string answer;
  try {
    answer = question() + kEnd;
  } catch (...) {
    ::_exit(1);
  }
  for (std::size_t done = 0; done < answer.size();) {
    const ssize_t written = ::write(answer_fd, answer.data() + done, answer.size() - done);
    if (written < 0 && errno != EINTR) {
      break;
    }
    done += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
  ::_exit(0);
}

/// Reads until the answer or the pipe ends; false when the time is up.
bool read_answer(int fd, base::TimePoint deadline, std::string& answer) {
  while (answer.empty() || answer.back() != kEnd) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::Clock::now()).count();
    if (left <= 0) {
      return false;
    }
    pollfd waiting{fd, POLLIN, 0};
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
    return fmt::format("crashed: signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended the process: exit code {}", WEXITSTATUS(status));
}

} // namespace

ChildAnswer ask_in_child(const std::function<std::string()>& question, base::Duration limit) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("cannot make a pipe to a child process");
  }
  const base::UniqueFd reader(ends[0]);
  base::UniqueFd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    fail("cannot start a child process");
  }
  if (child == 0) {
    answer_and_exit(question, writer.get(), parent);
  }
  ::setpgid(child, child);
  writer.reset();
  std::string answer;
  const bool in_time = read_answer(reader.get(), base::Clock::now() + limit, answer);
  ::kill(-child, SIGKILL); // the whole group, since the child may have started others; an exit under way keeps its code
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) {
    return {false, fmt::format("did not end within {} ms",
                               std::chrono::duration_cast<std::chrono::milliseconds>(limit).count())};
  }
  if (answer.empty() || answer.back() != kEnd) {
    return {false, how_it_ended(status)};
  }
  answer.pop_back();
  return {true, std::move(answer)};
}

} // namespace projector::test
