#include "stopped_processes.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <fstream>

namespace projector::test {

StoppedProcesses::StoppedProcesses(pid_t parent) : processes_{parent} {
  // The parent first, so that it has no child that is not in its list.
  ::kill(parent, SIGSTOP);
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", parent));
  for (pid_t child = 0; children >> child;) {
    ::kill(child, SIGSTOP);
    processes_.push_back(child);
  }
}

StoppedProcesses::~StoppedProcesses() {
  for (const pid_t process : processes_) {
    ::kill(process, SIGCONT);
  }
}

} // namespace projector::test
