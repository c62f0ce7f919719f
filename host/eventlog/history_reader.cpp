#include "eventlog/history_reader.hpp"

#include "eventlog/history_run.hpp"

#include <fmt/core.h>

namespace projector::eventlog {

HistoryReader::HistoryReader(const EventLogOptions& options, SharedLog& shared, const base::Stop& stop)
    : options_(options), shared_(shared), stop_(stop), backoff_(options.retry_backoff, options.retry_backoff_max),
      builder_(shared.region()) {}

void HistoryReader::run() {
  while (!stop_.requested()) {
    std::shared_ptr<HistoryRead> read;
    try {
      read = shared_.next_read(stop_);
      if (!read) {
        return;
      }
      carry_out(*read);
      backoff_.reset();
      reported_ = false;
    } catch (const pg::Interrupted&) {
      return;
    } catch (const std::exception& error) {
      give_up(read.get(), error.what());
    } catch (...) {
      give_up(read.get(), "an exception of an unknown type");
    }
  }
}

/// A read that is never finished would keep its range from being read again, so not even a failure to report the
/// first failure may prevent that.
void HistoryReader::give_up(HistoryRead* read, const char* error) noexcept {
  try {
    if (read != nullptr) {
      report_failure(*read, error);
    }
  } catch (...) { // NOLINT: reported when it fails again
  }
  pause();
  try {
    if (read != nullptr) {
      shared_.finish(*read, 0, false);
    }
  } catch (...) { // NOLINT: it has left the plan, and cursors that wait for it plan it again
  }
}

void HistoryReader::report_failure(HistoryRead& read, const char* error) {
  shared_.release(read);
  if (!connection_ || !connection_->reusable()) {
    connection_.reset();
  }
  const std::string reason =
      fmt::format("reading events above position {} failed, trying again: {}", read.progress, error);
  if (!reported_ && options_.report) {
    options_.report(true, reason);
    reported_ = true;
  }
  if (connection_) {
    shared_.unreadable(read, read.progress + 1, reason);
  }
}

void HistoryReader::pause() {
  stop_.wait_for(backoff_.next());
}

/// Makes sure that the session belongs to the read's incarnation. If the server has crashed since, it may have lost
/// events below the settled position and give their positions to others.
bool HistoryReader::ready(const HistoryRead& read) {
  if (connection_ && connection_->usable() && session_incarnation_ == read.incarnation) {
    return true;
  }
  connection_.reset();
  session_incarnation_ = 0;
  store_ = shared_.store(read.incarnation);
  if (!store_) {
    return false;
  }
  connection_.emplace(session_options(options_.connect, "projectord eventlog history"), stop_);
  check_same_server(*connection_, *store_);
  if (!shared_.confirm(read.incarnation, stop_)) {
    connection_.reset();
    return false;
  }
  session_incarnation_ = read.incarnation;
  return true;
}

void HistoryReader::carry_out(HistoryRead& read) {
  if (!ready(read)) {
    shared_.finish(read, 0, false);
    return;
  }
  HistoryRun run(*connection_, *store_, shared_, builder_, read, stop_);
  if (const auto event = run.run()) {
    tell_of(read, *event);
  }
  shared_.finish(read, run.rows(), run.complete());
}

void HistoryReader::tell_of(const HistoryRead& read, const UnreadableEvent& event) {
  const std::string reason = explain(event, *store_);
  if (reason != reported_reason_ && options_.report) {
    options_.report(true, reason);
  }
  reported_reason_ = reason;
  shared_.unreadable(read, event.position(), reason);
}

} // namespace projector::eventlog
