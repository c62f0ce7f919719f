#include "base/log.hpp"

#include "base/clean_text.hpp"
#include "base/line_writer.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>

namespace projector::base {
namespace {

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %*"; ///< %*: see CleanMessage
constexpr auto kErrorWaits = std::chrono::milliseconds(50);

constexpr std::size_t kLongestMessage = 16384; ///< in bytes

/// A message may quote text of plugins, events, files and servers, which must not break the line or move the cursor.
class CleanMessage final : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& line) override {
    const auto clean = clean_text({message.payload.data(), message.payload.size()}, kLongestMessage);
    line.append(clean.data(), clean.data() + clean.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<CleanMessage>();
  }
};

std::unique_ptr<spdlog::pattern_formatter> line_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<CleanMessage>('*').set_pattern(kPattern);
  return formatter;
}

void use(const std::shared_ptr<spdlog::logger>& logger, const std::string& level,
         spdlog::level::level_enum flush_from) {
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(flush_from);
  spdlog::set_default_logger(logger);
}

std::string_view colour_of(spdlog::level::level_enum level) {
  switch (level) {
  case spdlog::level::info:
    return "\033[32m";
  case spdlog::level::warn:
    return "\033[33m\033[1m";
  case spdlog::level::err:
    return "\033[31m\033[1m";
  case spdlog::level::critical:
    return "\033[1m\033[41m";
  default:
    return "";
  }
}

/// Formats messages and passes them to a writer for as long as there is one.
class QueueSink final : public spdlog::sinks::sink {
public:
  QueueSink(LineWriter& writer, bool coloured) : writer_(&writer), coloured_(coloured), formatter_(line_formatter()) {}

  void detach() {
    const std::lock_guard lock(mutex_);
    writer_ = nullptr;
  }
  void log(const spdlog::details::log_msg& message) override {
    const std::lock_guard lock(mutex_);
    if (writer_ != nullptr) {
      writer_->push(format(message));
    }
  }
  void flush() override {
    // Without the mutex, so that other threads can log meanwhile; the writer is detached only when nobody logs any
    // more.
    if (auto* writer = writer_) {
      writer->flush(kErrorWaits);
    }
  }
  void set_pattern(const std::string& pattern) override {
    set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern));
  }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    const std::lock_guard lock(mutex_);
    formatter_ = std::move(formatter);
  }

private:
  std::string format(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t buffer;
    formatter_->format(message, buffer);
    std::string line(buffer.data(), buffer.size());
    if (coloured_ && message.color_range_end > message.color_range_start) {
      line.insert(message.color_range_end, "\033[m");
      line.insert(message.color_range_start, colour_of(message.level));
    }
    return line;
  }

  std::mutex mutex_; ///< guards all members below
  LineWriter* writer_;
  const bool coloured_;
  std::unique_ptr<spdlog::formatter> formatter_;
};

std::string dropped_line(std::uint64_t count) {
  const auto formatter = line_formatter();
  const std::string text = fmt::format("{} older lines of this log were dropped: they were not read in time", count);
  spdlog::memory_buf_t buffer;
  formatter->format(spdlog::details::log_msg("projectord", spdlog::level::warn, text), buffer);
  return {buffer.data(), buffer.size()};
}

[[noreturn]] void log_and_abort() {
  std::string what = "an exception that nothing caught";
  if (const auto error = std::current_exception()) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      what = known.what();
    } catch (...) { // NOLINT: `what` says so already
    }
  }
  spdlog::critical("the process ends: {}", what);
  spdlog::default_logger()->flush();
  std::abort();
}

} // namespace

void set_up_log(const std::string& level) {
  auto logger = spdlog::get("projectord");
  if (logger == nullptr) {
    logger = spdlog::stderr_color_mt("projectord");
  }
  logger->set_formatter(line_formatter());
  use(logger, level, spdlog::level::trace);
}

LogThread::LogThread(const std::string& level, int fd) {
  LineWriter::Options options;
  options.fd = fd;
  options.dropped = dropped_line;
  writer_ = std::make_unique<LineWriter>(std::move(options));
  auto sink = std::make_shared<QueueSink>(*writer_, ::isatty(fd) == 1);
  use(std::make_shared<spdlog::logger>("projectord", std::move(sink)), level, spdlog::level::err);
  std::set_terminate(log_and_abort);
}

LogThread::~LogThread() {
  for (const auto& sink : spdlog::default_logger()->sinks()) {
    if (auto* queue = dynamic_cast<QueueSink*>(sink.get())) {
      queue->detach();
    }
  }
  writer_.reset();
}

} // namespace projector::base
