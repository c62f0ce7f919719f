#pragma once

#include "plugin/statement_sink.hpp"

#include <projector/plugin.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace projector::runner {

/// What one instance gets as its projector_host, and the functions that it calls: they let no exception out, and accept
/// a statement only on the worker's thread with the transaction of the running call. Owned by the instance, made on its
/// worker's thread; log, stopping and get_extension on any thread.
class HostTable {
public:
  using Log = std::function<void(std::int32_t level, const std::string& text)>;
  /// Called on any thread.
  using Stopping = std::function<bool()>;
  HostTable(Log log, Stopping stopping);
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  [[nodiscard]] const projector_host& table() const noexcept { return table_; }

  /// One call into the plugin during which its statements are accepted: they go to `sink`, and may name events below
  /// `n_events`. Its end frees rows that the plugin did not free. One at a time.
  class Call {
  public:
    Call(HostTable& host, plugin::StatementSink* sink, std::size_t n_events);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    /// A token that differs in every call; null if there is no sink.
    [[nodiscard]] projector_tx* transaction() const noexcept { return transaction_; }
    /// The first verdict of this call that was not OK.
    [[nodiscard]] std::optional<plugin::Verdict> failure() const;

  private:
    friend class HostTable;
    HostTable& host_;
    plugin::StatementSink* sink_;
    std::size_t n_events_;
    projector_tx* transaction_;
    std::vector<std::unique_ptr<plugin::Rows>> rows_;
    std::optional<plugin::Verdict> failure_;
  };

  /// What a plugin passed with one statement.
  struct Statement {
    projector_tx* transaction;
    std::uint32_t event_index;
    std::uint32_t flags;
    const char* sql;
    const projector_value* params;
    std::size_t n_params;
  };
  /// The functions below are what the table's call; those that return a verdict may throw std::bad_alloc only.
  plugin::Verdict exec(const Statement& statement);
  plugin::Verdict query(const Statement& statement, projector_rows** rows);
  /// Null if they do not belong to the running call, or on another thread.
  [[nodiscard]] const plugin::Rows* rows(const projector_rows* rows) const noexcept;
  void free_rows(const projector_rows* rows) noexcept;
  void log(std::int32_t level, projector_str message) const;
  [[nodiscard]] bool stopping() const noexcept { return stopping_(); }

private:
  template <class Run>
  plugin::Verdict run(const Statement& statement, const char* function, Run run);
  plugin::Verdict misuse(const char* what);

  const Log log_;
  const Stopping stopping_;
  const std::thread::id worker_ = std::this_thread::get_id();
  projector_host table_;
  std::uintptr_t calls_ = 0;
  Call* call_ = nullptr;
  /// The first misuse of this call, on whatever thread; a text that lives for ever.
  std::atomic<const char*> misuse_ = nullptr;
  std::atomic<bool> misuse_logged_ = false;
};

} // namespace projector::runner
