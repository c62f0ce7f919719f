#include "plugin/exit.hpp"

#include <fmt/core.h>

#include <cstring>

namespace projector::plugin {

std::string to_text(const Exit& exit) {
  if (exit.signal != 0) {
    const char* name = ::sigdescr_np(exit.signal);
    return fmt::format("signal {} ({}){}", exit.signal, name != nullptr ? name : "unknown",
                       exit.core_dumped ? ", core dumped" : "");
  }
  return exit.code < 0 ? "an unknown exit code" : fmt::format("exit code {}", exit.code);
}

} // namespace projector::plugin
