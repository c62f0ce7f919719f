#pragma once

#include <projector/events.hpp>
#include <projector/outcomes.hpp>
#include <projector/parameters.hpp>
#include <projector/plugin.h>
#include <projector/rows.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace projector {

/// One SQL statement, as a literal or a std::string.
class Sql {
public:
  Sql(const char* text) noexcept : text_(text) {}
  Sql(const std::string& text) noexcept : text_(text.c_str()) {}
  [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
  const char* text_;
};

/// The open transaction of the running call; the host begins and ends it. Use it on the thread of the call, until the
/// call returns. Arguments stand for $1, $2, ..: numbers, bool, text, Bytes, Uuid, timestamps, std::optional of these,
/// std::nullopt or nullptr for NULL, and any range of these as an array. The server infers their types, as for quoted
/// literals: write a cast where it cannot ($1::bigint[]).
class Transaction {
public:
  Transaction(const projector_host* host, projector_tx* transaction, std::uint32_t flags,
              projector_error* error) noexcept
      : host_(host), transaction_(transaction), error_(error), flags_(flags) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Queues a statement; the host pipelines it. It is prepared and cached by its text, so use few texts and put varying
  /// values into arguments. A later call may report its failure.
  template <class... Arguments>
  void exec(Sql sql, const Arguments&... arguments) {
    send(sql, flags_, nullptr, arguments...);
  }
  /// Like exec, for a text that is used once and not worth caching, such as DDL. In setup and reset exec does not
  /// cache.
  template <class... Arguments>
  void exec_once(Sql sql, const Arguments&... arguments) {
    send(sql, flags_ | PROJECTOR_SQL_ONCE, nullptr, arguments...);
  }
  /// Runs the queued statements and this one, and waits for its rows: a round trip to the server.
  template <class... Arguments>
  [[nodiscard]] Rows query(Sql sql, const Arguments&... arguments) {
    projector_rows* rows = nullptr;
    send(sql, flags_, &rows, arguments...);
    return {host_, rows};
  }

  /// In handle_batch: charges the statements that follow to this event, to which on_error is applied if one of them
  /// fails. In handle the statements are charged to the event already.
  void charge_to(const Event& event) noexcept { event_index_ = event.index(); }
  /// Charges the statements that follow to no event, as at the start of handle_batch.
  void charge_to_none() noexcept { event_index_ = PROJECTOR_NO_EVENT; }

  /// PROJECTOR_OK, or the status of the statement that failed, which the call will return.
  [[nodiscard]] projector_status status() const noexcept { return status_; }

private:
  template <class... Arguments>
  void send(Sql sql, std::uint32_t flags, projector_rows** rows, const Arguments&... arguments) {
    if constexpr (sizeof...(arguments) == 0) {
      run(sql, flags, rows, nullptr, 0);
    } else {
      const detail::Parameter parameters[] = {detail::Parameter(arguments)...};
      std::array<projector_value, sizeof...(arguments)> values;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = parameters[i].value();
      }
      run(sql, flags, rows, values.data(), values.size());
    }
  }

  void run(Sql sql, std::uint32_t flags, projector_rows** rows, const projector_value* values, std::size_t count) {
    if (status_ == PROJECTOR_OK) {
      status_ =
          rows == nullptr
              ? host_->exec(host_->ctx, transaction_, event_index_, flags, sql.c_str(), values, count, error_)
              : host_->query(host_->ctx, transaction_, event_index_, flags, sql.c_str(), values, count, rows, error_);
    }
    if (status_ != PROJECTOR_OK) {
      throw detail::HostVerdict();
    }
  }

  const projector_host* host_;
  projector_tx* transaction_;
  projector_error* error_;
  std::uint32_t flags_;
  std::uint32_t event_index_ = PROJECTOR_NO_EVENT;
  projector_status status_ = PROJECTOR_OK;
};

} // namespace projector
