#pragma once

#include "base/clock.hpp"

#include <functional>
#include <string>

namespace projector::test {

/// The result of a question that was asked in a child process.
struct ChildAnswer {
  bool answered = false;
  std::string text; ///< the answer; else how the child ended, e.g. "crashed: signal 11 (Segmentation fault)"
};

/// Runs `question` in a child process, for code that may crash, end the process or never return: then the child is
/// killed after `limit` and this process goes on. The answer is text without a NUL byte; it does not include what
/// `question` throws or prints. Call it from a program with one thread. Throws std::system_error if no child can be
/// started.
ChildAnswer ask_in_child(const std::function<std::string()>& question, base::Duration limit);

} // namespace projector::test
