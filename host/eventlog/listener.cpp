#include "eventlog/listener.hpp"

#include "base/backoff.hpp"
#include "eventlog/store_check.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>

namespace projector::eventlog {

void Listener::run() {
  base::Backoff backoff(options_.retry_backoff, options_.retry_backoff_max);
  while (!stop_.requested()) {
    try {
      listen();
    } catch (const pg::Interrupted&) {
      return;
    } catch (const std::exception& error) {
      report(error.what());
    } catch (...) {
      report("an exception of an unknown type");
    }
    stop_.wait_for(backoff.next());
  }
}

/// Once, until it has listened again.
void Listener::report(const char* why) noexcept {
  try {
    if (!reported_ && options_.report) {
      options_.report(true, fmt::format("cannot listen on channel {}, the event store is polled instead: {}",
                                        options_.notify_channel, why));
      reported_ = true;
    }
  } catch (...) { // NOLINT: reported when it fails again
  }
}

void Listener::listen() {
  pg::Connection connection(session_options(options_.connect, "projectord eventlog listener"), stop_);
  connection.exec("LISTEN " + pg::quote_identifier(options_.notify_channel));
  reported_ = false;
  for (;;) {
    // Also before the first wait, since notifications from before LISTEN are not repeated.
    shared_.store_notified();
    connection.wait_for_notification(base::never());
  }
}

} // namespace projector::eventlog
