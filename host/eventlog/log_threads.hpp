#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "eventlog/history_reader.hpp"
#include "eventlog/listener.hpp"
#include "eventlog/shared_log.hpp"
#include "eventlog/tail.hpp"

#include <memory>
#include <thread>
#include <vector>

namespace projector::eventlog {

/// The threads that fill a shared log, each with a session of its own: the tail, the history readers and, if a channel
/// is configured, the listener. Owned by the event log; `shared` and `options` outlive it.
class LogThreads {
public:
  LogThreads(const EventLogOptions& options, SharedLog& shared);
  ~LogThreads(); ///< stops and joins them

  /// Starts the tail, waits for its first connection and its checks of the store, and starts the others. Called once.
  /// Throws StoreRefused, pg::Error, pg::Interrupted if `stop` is requested meanwhile.
  void start(const base::Stop& stop);

private:
  const EventLogOptions& options_;
  base::Stop stop_;
  Tail tail_;
  Listener listener_;
  std::vector<std::unique_ptr<HistoryReader>> readers_;
  std::vector<std::jthread> threads_; ///< declared last, so that they end before what they use is destroyed
};

} // namespace projector::eventlog
