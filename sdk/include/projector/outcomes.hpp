#pragma once

#include <projector/events.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace projector {

/// Throw this if something outside is not available for now: the host waits and hands over the same events again. It is
/// not for failures of this database, which the host recognises itself.
class Retry : public std::runtime_error {
public:
  explicit Retry(const std::string& text) : std::runtime_error(text) {}
  /// From ExternalProjection::handle_batch: all events before `event` are done and must not be handed over again.
  Retry(const Event& event, const std::string& text) : std::runtime_error(text), event_index_(event.index()) {}
  [[nodiscard]] std::uint32_t event_index() const noexcept { return event_index_; }

private:
  std::uint32_t event_index_ = PROJECTOR_NO_EVENT;
};

/// Throw this if one event can never be handled. If none is named, it is the current one in handle(); in handle_batch()
/// the host then looks for it by halving the batch.
class Reject : public std::runtime_error {
public:
  explicit Reject(const std::string& text) : std::runtime_error(text) {}
  Reject(const Event& event, const std::string& text) : std::runtime_error(text), event_index_(event.index()) {}
  [[nodiscard]] std::uint32_t event_index() const noexcept { return event_index_; }

private:
  std::uint32_t event_index_ = PROJECTOR_NO_EVENT;
};

/// Throw this if this instance cannot continue at all.
class Fatal : public std::runtime_error {
public:
  explicit Fatal(const std::string& text) : std::runtime_error(text) {}
};

namespace detail {

/// Ends a call after the host refused or failed a statement. Its status and text are already in the transaction and in
/// the host's error, so catching this changes nothing. It is no std::exception, so that nobody catches it by accident.
class HostVerdict {};

} // namespace detail

} // namespace projector
