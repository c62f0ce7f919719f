#include "runner/host_table.hpp"

#include "base/clean_text.hpp"
#include "plugin/statement_check.hpp"

#include <cxxabi.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace projector::runner {

namespace {

using plugin::check_arguments;
using plugin::Rows;
using plugin::StatementSink;
using plugin::Verdict;

constexpr std::size_t kLongestLogText = 8192;
constexpr std::size_t kLongestVerdictText = 8192;
void fill(projector_error* error, const Verdict& verdict) {
  if (error == nullptr) {
    return;
  }
  if (PROJECTOR_HAS(projector_error, error, event_index)) {
    error->event_index = verdict.event_index;
  }
  if (PROJECTOR_HAS(projector_error, error, text_size) && error->text != nullptr && error->text_size > 0) {
    const std::string text = base::clean_text(verdict.text, std::min(error->text_size - 1, kLongestVerdictText));
    std::memcpy(error->text, text.c_str(), text.size() + 1);
  }
}

/// Runs a statement's function and returns its verdict; if that cannot be passed on, FATAL without a text.
template <class Run>
projector_status settle(projector_error* error, Run run) {
  try {
    const Verdict verdict = run();
    if (verdict.status != PROJECTOR_OK) {
      fill(error, verdict);
    }
    return verdict.status;
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (const std::bad_alloc&) {
    return PROJECTOR_RETRY;
  } catch (...) {
    return PROJECTOR_FATAL;
  }
}

/// `failed` where `run` throws.
template <class Value, class Run>
Value seal(Value failed, Run run) {
  try {
    return run();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    return failed;
  }
}

HostTable& host_of(void* ctx) {
  return *static_cast<HostTable*>(ctx);
}

extern "C" {

void host_log(void* ctx, int32_t level, projector_str message) {
  seal(0, [&] {
    host_of(ctx).log(level, message);
    return 0;
  });
}

int32_t host_stopping(void* ctx) {
  return host_of(ctx).stopping() ? 1 : 0;
}

projector_status host_exec(void* ctx, projector_tx* tx, uint32_t event_index, uint32_t flags, const char* sql,
                           const projector_value* params, size_t n_params, projector_error* error) {
  return settle(error, [&] { return host_of(ctx).exec({tx, event_index, flags, sql, params, n_params}); });
}

projector_status host_query(void* ctx, projector_tx* tx, uint32_t event_index, uint32_t flags, const char* sql,
                            const projector_value* params, size_t n_params, projector_rows** rows,
                            projector_error* error) {
  if (rows != nullptr) {
    *rows = nullptr;
  }
  return settle(error, [&] { return host_of(ctx).query({tx, event_index, flags, sql, params, n_params}, rows); });
}

size_t host_rows_count(void* ctx, const projector_rows* rows) {
  const Rows* found = host_of(ctx).rows(rows);
  return found == nullptr ? 0 : seal(std::size_t{0}, [&] { return found->count(); });
}

size_t host_rows_columns(void* ctx, const projector_rows* rows) {
  const Rows* found = host_of(ctx).rows(rows);
  return found == nullptr ? 0 : seal(std::size_t{0}, [&] { return found->columns(); });
}

int64_t host_rows_affected(void* ctx, const projector_rows* rows) {
  const Rows* found = host_of(ctx).rows(rows);
  return found == nullptr ? 0 : seal(std::int64_t{0}, [&] { return found->affected(); });
}

int32_t host_rows_get(void* ctx, const projector_rows* rows, size_t row, size_t column, projector_value* value) {
  const Rows* found = host_of(ctx).rows(rows);
  if (found == nullptr || value == nullptr) {
    return 0;
  }
  return seal(0, [&] {
    const bool exists = row < found->count() && column < found->columns();
    return exists && found->get(row, column, *value) ? 1 : 0;
  });
}

void host_rows_free(void* ctx, projector_rows* rows) {
  host_of(ctx).free_rows(rows);
}

const void* host_get_extension(void*, const char*) {
  return nullptr;
}

} // extern "C"

} // namespace

HostTable::HostTable(Log log, Stopping stopping)
    : log_(std::move(log)),
      stopping_(std::move(stopping)), table_{
                                          sizeof(projector_host), PROJECTOR_ABI_MINOR, this,           &host_log,
                                          &host_stopping,         &host_exec,          &host_query,    &host_rows_count,
                                          &host_rows_columns,     &host_rows_affected, &host_rows_get, &host_rows_free,
                                          &host_get_extension} {}

HostTable::Call::Call(HostTable& host, StatementSink* sink, std::size_t n_events)
    : host_(host), sink_(sink), n_events_(n_events),
      // This pointer is never dereferenced; it only has to differ from those of earlier calls.
      transaction_(sink == nullptr
                       ? nullptr
                       : reinterpret_cast<projector_tx*>(++host.calls_ << 4U)) { // NOLINT(performance-no-int-to-ptr)
  host_.misuse_ = nullptr;
  host_.call_ = this;
}

HostTable::Call::~Call() {
  host_.call_ = nullptr;
}

std::optional<Verdict> HostTable::Call::failure() const {
  const char* misuse = host_.misuse_;
  return !failure_ && misuse != nullptr ? Verdict{PROJECTOR_FATAL, misuse, PROJECTOR_NO_EVENT} : failure_;
}

Verdict HostTable::misuse(const char* what) {
  misuse_ = what;
  if (!misuse_logged_.exchange(true) && log_) {
    log_(PROJECTOR_LOG_ERROR, what);
  }
  return {PROJECTOR_FATAL, what, PROJECTOR_NO_EVENT};
}

template <class Run>
Verdict HostTable::run(const Statement& statement, const char* function, Run run) {
  if (std::this_thread::get_id() != worker_) {
    return misuse("exec or query was called on another thread than the worker's");
  }
  if (call_ == nullptr || statement.transaction == nullptr || statement.transaction != call_->transaction_) {
    return misuse("exec or query: tx used outside its call");
  }
  Verdict verdict;
  if (std::string wrong = check_arguments(statement.flags, statement.sql, statement.params, statement.n_params);
      !wrong.empty()) {
    verdict = {PROJECTOR_FATAL, fmt::format("{}: {}", function, wrong), PROJECTOR_NO_EVENT};
  } else {
    try {
      verdict = run(statement.event_index < call_->n_events_ ? statement.event_index : PROJECTOR_NO_EVENT);
    } catch (const abi::__forced_unwind&) {
      throw;
    } catch (const std::bad_alloc&) {
      verdict = {PROJECTOR_RETRY, fmt::format("{}: out of memory", function), PROJECTOR_NO_EVENT};
    } catch (const std::exception& error) {
      verdict = {PROJECTOR_FATAL, fmt::format("{}: {}", function, error.what()), PROJECTOR_NO_EVENT};
    } catch (...) {
      verdict = {PROJECTOR_FATAL, fmt::format("{}: unknown failure in the host", function), PROJECTOR_NO_EVENT};
    }
  }
  if (verdict.status != PROJECTOR_OK && !call_->failure_) {
    call_->failure_ = verdict;
  }
  return verdict;
}

Verdict HostTable::exec(const Statement& statement) {
  return run(statement, "exec", [&](std::uint32_t event_index) {
    return call_->sink_->exec(event_index, statement.flags, statement.sql, statement.params, statement.n_params);
  });
}

Verdict HostTable::query(const Statement& statement, projector_rows** rows) {
  return run(statement, "query", [&](std::uint32_t event_index) {
    std::unique_ptr<Rows> result;
    Verdict verdict =
        call_->sink_->query(event_index, statement.flags, statement.sql, statement.params, statement.n_params, result);
    if (verdict.status == PROJECTOR_OK && rows != nullptr && result) {
      call_->rows_.push_back(std::move(result));
      *rows = reinterpret_cast<projector_rows*>(call_->rows_.back().get());
    }
    return verdict;
  });
}

const Rows* HostTable::rows(const projector_rows* rows) const noexcept {
  if (std::this_thread::get_id() != worker_ || call_ == nullptr) {
    return nullptr;
  }
  // The newest first: it is nearly always the one that is being read.
  const auto found =
      std::find_if(call_->rows_.rbegin(), call_->rows_.rend(), [rows](const std::unique_ptr<Rows>& each) {
        return reinterpret_cast<const projector_rows*>(each.get()) == rows;
      });
  return found == call_->rows_.rend() ? nullptr : found->get();
}

void HostTable::free_rows(const projector_rows* rows) noexcept {
  const Rows* found = this->rows(rows);
  if (found != nullptr) {
    auto& all = call_->rows_;
    const auto same = [found](const std::unique_ptr<Rows>& each) { return each.get() == found; };
    all.erase(std::find_if(all.begin(), all.end(), same));
  }
}

void HostTable::log(std::int32_t level, projector_str message) const {
  if (!log_) {
    return;
  }
  const std::string_view text =
      message.data == nullptr ? std::string_view() : std::string_view(message.data, message.size);
  log_(std::clamp<std::int32_t>(level, PROJECTOR_LOG_DEBUG, PROJECTOR_LOG_ERROR),
       base::clean_text(text, kLongestLogText));
}

} // namespace projector::runner
