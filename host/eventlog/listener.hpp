#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "eventlog/shared_log.hpp"

namespace projector::eventlog {

/// Wakes the tail when the store notifies the configured channel: one thread with one session. Without it the tail
/// polls, so a failure here delays events but does not lose any. Owned by the event log.
class Listener {
public:
  Listener(const EventLogOptions& options, SharedLog& shared, const base::Stop& stop)
      : options_(options), shared_(shared), stop_(stop) {}

  void run(); ///< the thread's function, until the stop is requested; throws nothing

private:
  void listen();
  void report(const char* why) noexcept;

  const EventLogOptions& options_;
  SharedLog& shared_;
  const base::Stop& stop_;
  bool reported_ = false;
};

} // namespace projector::eventlog
