#include "plugin/crash_text.hpp"

#include <fmt/core.h>

#include <csignal>

namespace projector::plugin {
namespace {

bool has_address(const channel::Crash& crash) {
  // The kernel does not know the address of a general protection fault, and reports it as 0.
  return crash.code != SI_KERNEL && (crash.signal == SIGSEGV || crash.signal == SIGBUS);
}

} // namespace

std::string crash_text(const channel::Crash& crash, const std::string& plugin) {
  if (crash.code <= 0) {
    return {};
  }
  const std::string place = crash.plugin_offset == channel::Crash::kOutside
                                ? fmt::format("{:#x}, outside {}.so", crash.instruction, plugin)
                                : fmt::format("{}.so+{:#x}", plugin, crash.plugin_offset);
  return fmt::format(" at {}{}", place, has_address(crash) ? fmt::format(", address {:#x}", crash.fault_address) : "");
}

} // namespace projector::plugin
