#include "base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace projector::base {

void set_up_log(const std::string& level) {
  auto logger = spdlog::get("projectord");
  if (logger == nullptr) {
    logger = spdlog::stderr_color_mt("projectord");
  }
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(logger);
}

} // namespace projector::base
