#pragma once

#include <sys/types.h>

#include <vector>

namespace projector::test {

/// A process and all its children, suspended for as long as this lives: to others they look like a server that does not
/// answer any more.
class StoppedProcesses {
public:
  explicit StoppedProcesses(pid_t parent);
  ~StoppedProcesses();
  StoppedProcesses(const StoppedProcesses&) = delete;
  StoppedProcesses& operator=(const StoppedProcesses&) = delete;

private:
  std::vector<pid_t> processes_;
};

} // namespace projector::test
