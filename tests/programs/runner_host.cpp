// A host that starts one runner and then waits to be killed. It prints the process id of the runner, which is this
// program, too, and has asked to be killed with the thread that made it.
#include "plugin/runners.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

[[noreturn]] void wait_for_ever() {
  while (true) {
    ::pause();
  }
}

void print(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "runner") {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    print(std::to_string(::getpid()));
    wait_for_ever();
  }
  projector::plugin::Runners runners;
  projector::plugin::Start start;
  start.program = "/proc/self/exe";
  start.title = "runner";
  start.arguments = {"runner"};
  start.on_line = [](int, std::string_view line) { print(line); };
  const auto runner = runners.start(std::move(start));
  wait_for_ever();
}
