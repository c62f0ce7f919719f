#pragma once

#include "plugin/exit.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::plugin {

/// A runner process that is to be started. Callbacks run on the runners' thread, possibly before Runners::start() has
/// returned. They must not wait, nor throw: what they throw is dropped.
struct Start {
  static constexpr int kLogDescriptor = 3; ///< in the runner: the socket for its channel::LogSender
  static constexpr int kFirstDescriptor = 4;

  std::string program;                       ///< path of the executable
  std::string title;                         ///< argv[0], as ps shows it: "projectord: revenue 3/4"
  std::vector<std::string> arguments = {};   ///< after the title
  std::vector<std::string> environment = {}; ///< all of it, "NAME=value"; see runner_environment()
  /// The runner gets them as kFirstDescriptor, kFirstDescriptor + 1, .. These here stay the caller's.
  std::vector<int> descriptors = {};

  /// Gets each line that the runner logs, prints to stdout (level: information) or to stderr (warning). Lines are valid
  /// UTF-8, of bounded length and number; how many were dropped is one more line.
  std::function<void(int level, std::string_view text)> on_line = {};
  /// Called once, after the last line. Nobody waits for processes that the runner has left behind and that hold its
  /// output. Not called once the handle is destroyed.
  std::function<void(const Exit&)> on_exit = {};
};

} // namespace projector::plugin
