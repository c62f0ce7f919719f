#pragma once

#include "base/clock.hpp"

#include <string>

namespace projector::plugin {

/// How a process ended.
struct Exit {
  int code = 0;             ///< of exit(); -1: unknown, since somebody else took the process's status
  int signal = 0;           ///< the signal that ended it; 0: it called exit
  bool core_dumped = false; ///< the signal left a core
  base::Duration cpu = {};  ///< time that it and the children that it waited for have used
};

/// "exit code 3" or "signal 11 (Segmentation fault), core dumped".
std::string to_text(const Exit& exit);

} // namespace projector::plugin
