#include "eventlog/log_threads.hpp"

#include <future>
#include <stop_token>
#include <utility>

namespace projector::eventlog {

LogThreads::LogThreads(const EventLogOptions& options, SharedLog& shared)
    : options_(options), tail_(options, shared, stop_), listener_(options, shared, stop_) {
  for (std::size_t count = 0; count < options.history_readers; ++count) {
    readers_.push_back(std::make_unique<HistoryReader>(options, shared, stop_));
  }
}

LogThreads::~LogThreads() {
  stop_.request();
}

void LogThreads::start(const base::Stop& stop) {
  std::promise<void> opened;
  auto outcome = opened.get_future();
  threads_.emplace_back([this, promise = std::move(opened)]() mutable { tail_.run(std::move(promise)); });
  {
    const std::stop_callback forward(stop.token(), [this] { stop_.request(); });
    outcome.get();
  }
  for (const auto& reader : readers_) {
    threads_.emplace_back([&reader] { reader->run(); });
  }
  if (!options_.notify_channel.empty()) {
    threads_.emplace_back([this] { listener_.run(); });
  }
}

} // namespace projector::eventlog
