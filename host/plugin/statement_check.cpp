#include "plugin/statement_check.hpp"

#include <fmt/core.h>

namespace projector::plugin {
namespace {

constexpr std::size_t kMostParameters = 65535; // the protocol counts them in 16 bits
constexpr std::size_t kLargestParameter = std::size_t{1} << 30;
constexpr std::uint32_t kKnownFlags = PROJECTOR_SQL_ONCE | PROJECTOR_SQL_BINARY;

} // namespace

std::string check_arguments(std::uint32_t flags, const char* sql, const projector_value* params, std::size_t n_params) {
  if (sql == nullptr) {
    return "sql is NULL, expected a statement";
  }
  if ((flags & ~kKnownFlags) != 0) {
    return fmt::format("flags are {:#x}, of which this host knows {:#x} only", flags, kKnownFlags);
  }
  if (n_params > kMostParameters) {
    return fmt::format("{} parameters, expected at most {}", n_params, kMostParameters);
  }
  if (n_params > 0 && params == nullptr) {
    return fmt::format("params is NULL, expected {} parameters", n_params);
  }
  for (std::size_t i = 0; i < n_params; ++i) {
    const projector_value& value = params[i];
    if (value.data != nullptr && value.size > kLargestParameter) {
      return fmt::format("parameter {} has {} bytes, expected at most {}", i + 1, value.size, kLargestParameter);
    }
  }
  return "";
}

} // namespace projector::plugin
