#include "runner/crash_record.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>

namespace projector::runner {
namespace {

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string place(std::uint64_t instruction, const LoadedImage& plugin) {
  if (plugin.path.empty()) {
    return hexadecimal(instruction);
  }
  const std::string name = std::filesystem::path(plugin.path).filename();
  if (instruction >= plugin.begin && instruction < plugin.end) {
    return name + "+" + hexadecimal(instruction - plugin.begin);
  }
  return hexadecimal(instruction) + ", outside " + name;
}

bool has_address(const CrashRecord& record) {
  // The kernel does not know the address of a general protection fault, and reports it as 0.
  return record.code != SI_KERNEL && (record.signal == SIGSEGV || record.signal == SIGBUS);
}

} // namespace

std::string describe_signal(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return "signal " + std::to_string(signal) + (name == nullptr ? "" : " (SIG" + std::string(name) + ")");
}

std::string describe_crash(const CrashRecord& record, const LoadedImage& plugin) {
  std::string text = describe_signal(record.signal);
  if (record.code <= 0) {
    return text;
  }
  text += " at " + place(record.instruction, plugin);
  if (has_address(record)) {
    text += ", address " + hexadecimal(record.address);
  }
  return text;
}

} // namespace projector::runner
