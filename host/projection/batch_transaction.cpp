#include "projection/batch_transaction.hpp"

#include "base/clean_text.hpp"
#include "base/test_point.hpp"
#include "pg/statement_lexer.hpp"
#include "projection/clean_session.hpp"
#include "projection/result_rows.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace projector::projection {
namespace {

constexpr std::size_t kMostQueuedBytes = 8u << 20;
constexpr std::size_t kMostTexts = 512;
constexpr std::size_t kMostTextBytes = 4u << 20;
/// Parameters up to this size keep their buffer for the next statement in their place.
constexpr std::size_t kKeptParameterBytes = 1024;
constexpr std::size_t kShownStatementBytes = 300;

/// The part of a statement that an error shows. A plugin's text may hold any bytes, and errors go into tables and logs.
std::string shown(std::string_view sql) {
  return base::clean_text(sql, kShownStatementBytes);
}

/// What a person can do about the error, to be appended to its message; empty where the message says enough.
std::string cure(const pg::Error& error) {
  return error.is("40P01")
             ? "; partitions or projections that write the same rows lock them in different orders: write "
               "each table by one statement per batch whose rows are sorted by their key, such as INSERT "
               ".. SELECT .. FROM unnest($1, ..) ORDER BY 1 ON CONFLICT .. DO UPDATE .."
             : "";
}

BatchTransaction::Failure connection_failure(const std::string& text) {
  return {BatchTransaction::Failure::Kind::Connection, Reaction::RetryForever, text, PROJECTOR_NO_EVENT, false};
}

} // namespace

BatchTransaction::BatchTransaction(pg::Pool& pool, const CheckpointTables& tables, TransactionOptions options,
                                   const base::Stop& stop)
    : pool_(pool), tables_(tables), options_(std::move(options)), stop_(stop) {}

BatchTransaction::~BatchTransaction() {
  rollback();
}

void BatchTransaction::begin(std::optional<Move> move) {
  rollback();
  move_ = std::move(move);
  failure_.reset();
  used_ = false;
}

plugin::Verdict BatchTransaction::exec(std::uint32_t event_index, std::uint32_t flags, const char* sql,
                                       const projector_value* params, std::size_t n_params) {
  if (auto refused = refuse(event_index, sql, params, n_params)) {
    return *refused;
  }
  queue(event_index, flags, params, n_params);
  if (n_queued_ >= kMostQueued || queued_bytes_ >= kMostQueuedBytes) {
    if (!run(nullptr, pg::Format::Text)) {
      return verdict();
    }
  }
  return {};
}

plugin::Verdict BatchTransaction::query(std::uint32_t event_index, std::uint32_t flags, const char* sql,
                                        const projector_value* params, std::size_t n_params,
                                        std::unique_ptr<plugin::Rows>& rows) {
  if (auto refused = refuse(event_index, sql, params, n_params)) {
    return *refused;
  }
  queue(event_index, flags, params, n_params);
  pg::Result result;
  if (!run(&result, (flags & PROJECTOR_SQL_BINARY) != 0 ? pg::Format::Binary : pg::Format::Text)) {
    return verdict();
  }
  rows = std::make_unique<ResultRows>(std::move(result));
  return {};
}

std::optional<plugin::Verdict> BatchTransaction::refuse(std::uint32_t event_index, const char* sql,
                                                        const projector_value* params, std::size_t n_params) {
  used_ = true;
  if (failure_) {
    return verdict();
  }
  const auto refused = [&](std::string text) {
    return fail({Failure::Kind::Statement, Reaction::Fail, std::move(text), event_index, false});
  };
  if (sql == nullptr) {
    return refused("a statement is NULL: pass its text");
  }
  if (const Text& text = text_of(sql); text.refusal) {
    return refused(fmt::format("refused statement: {}; the statement: {}", *text.refusal, shown(sql)));
  }
  if (n_params > 65535 || (n_params > 0 && params == nullptr)) {
    return refused(
        fmt::format("a statement has {} parameters: PostgreSQL takes at most 65535, and pass arrays to unnest() "
                    "for many values",
                    n_params));
  }
  for (std::size_t index = 0; index < n_params; ++index) {
    const auto& value = params[index];
    if (value.data != nullptr && value.binary == 0 && std::memchr(value.data, 0, value.size) != nullptr) {
      // The event, not the plugin, holds such a byte, and PostgreSQL's text cannot.
      return fail(
          {Failure::Kind::Statement, Reaction::Reject,
           fmt::format("parameter ${} has a NUL byte, which PostgreSQL's text cannot hold: remove it, or pass the "
                       "bytes in binary format as bytea; the statement: {}",
                       index + 1, shown(sql)),
           event_index, false});
    }
    if (value.size > 1u << 30) {
      return refused(fmt::format("parameter ${} has {} bytes: PostgreSQL takes at most 1 GiB", index + 1, value.size));
    }
  }
  return std::nullopt;
}

const BatchTransaction::Text& BatchTransaction::text_of(const char* sql) {
  if (last_text_ < texts_.size() && texts_[last_text_].sql == sql) {
    return texts_[last_text_];
  }
  const auto found = text_index_.find(std::string_view(sql));
  if (found != text_index_.end()) {
    last_text_ = found->second;
  } else {
    last_text_ = texts_.size();
    texts_.push_back({sql, pg::refuse_statement(sql)});
    text_index_.emplace(sql, last_text_);
    text_bytes_ += texts_.back().sql.size();
    queued_bytes_ += texts_.back().sql.size();
  }
  return texts_[last_text_];
}

void BatchTransaction::queue(std::uint32_t event_index, std::uint32_t flags, const projector_value* params,
                             std::size_t n_params) {
  if (n_queued_ == queued_.size()) {
    queued_.emplace_back();
  }
  Queued& queued = queued_[n_queued_++];
  queued.text = last_text_;
  queued.event_index = event_index;
  queued.once = (flags & PROJECTOR_SQL_ONCE) != 0 || !options_.prepared_statements;
  queued.parameters.clear();
  for (std::size_t index = 0; index < n_params; ++index) {
    const auto& value = params[index];
    if (value.data == nullptr) {
      queued.parameters.null(value.oid);
    } else if (value.binary != 0) {
      queued.parameters.binary({value.data, value.size}, value.oid);
    } else {
      queued.parameters.text({value.data, value.size}, value.oid);
    }
  }
  queued_bytes_ += queued.parameters.bytes() + sizeof(Queued);
}

bool BatchTransaction::borrow() {
  if (lease_) {
    return true;
  }
  try {
    lease_.emplace(borrow_clean_session(pool_, options_.projection, stop_, options_.stop_grace));
  } catch (const pg::Error& error) {
    fail(connection_failure(error.what()));
    return false;
  } catch (const pg::Interrupted& interrupted) {
    fail(connection_failure(interrupted.what()));
    return false;
  }
  // A session that is older than the read would have ended with the server; a younger one proves nothing about the time
  // before it.
  const auto& connection = lease_->connection();
  return !connection.own_session() || !move_ || connection.connected_at() <= move_->events_read_at || confirm();
}

bool BatchTransaction::confirm() {
  if (!move_ || !move_->confirm || move_->confirm()) {
    return true;
  }
  fail({Failure::Kind::StoreLost, Reaction::RetryForever, "the event store was lost after these events were read",
        PROJECTOR_NO_EVENT, false});
  return false;
}

bool BatchTransaction::run(pg::Result* rows, pg::Format format) {
  if (!borrow()) {
    return false;
  }
  std::optional<pg::Pipeline::Failure> failed;
  try {
    pg::Pipeline pipeline(lease_->connection());
    if (!begun_) {
      send_prologue(pipeline);
    }
    for (std::size_t index = 0; index < n_queued_; ++index) {
      const Queued& queued = queued_[index];
      pg::Send how;
      how.prepare = queued.once ? pg::Send::Prepare::Once : pg::Send::Prepare::Keep;
      how.scope = options_.schema;
      if (rows != nullptr && index + 1 == n_queued_) {
        how.format = format;
      }
      pipeline.send(texts_[queued.text].sql, queued.parameters, how, index);
    }
    failed = pipeline.sync([&](std::size_t tag, pg::Result&& result) {
      look_at(tag, result);
      if (rows != nullptr && tag + 1 == n_queued_) {
        *rows = std::move(result);
      }
    });
  } catch (const pg::Error& error) {
    fail(connection_failure(error.what()));
    return false;
  } catch (const pg::Interrupted& interrupted) {
    fail(connection_failure(interrupted.what()));
    return false;
  }
  if (!begun_) {
    begun_ = true;
    PROJECTOR_TEST_POINT("after_begin");
  }
  // A checkpoint that has moved outranks every later error: the other host's rows are what the inserts ran into.
  if (failed && !failure_) {
    const bool own = failed->tag > kMostQueued;
    const auto& error = failed->error;
    fail({Failure::Kind::Statement, reaction_to(error),
          own ? fmt::format("{} (in the host's own statement){}", error.what(), cure(error))
              : fmt::format("{}; the statement: {}{}", error.what(), shown(texts_[queued_[failed->tag].text].sql),
                            cure(error)),
          own ? PROJECTOR_NO_EVENT : queued_[failed->tag].event_index, false, error.sqlstate()});
  }
  clear_queue();
  return !failure_;
}

void BatchTransaction::clear_queue() {
  for (std::size_t index = 0; index < n_queued_; ++index) {
    if (queued_[index].parameters.bytes() > kKeptParameterBytes) {
      queued_[index].parameters = {};
    }
  }
  n_queued_ = 0;
  queued_bytes_ = 0;
  if (texts_.size() > kMostTexts || text_bytes_ > kMostTextBytes) {
    texts_.clear();
    text_index_.clear();
    last_text_ = text_bytes_ = 0;
  }
}

bool BatchTransaction::commit() {
  if (failure_) {
    return false;
  }
  // After the prologue and with nothing queued there is only COMMIT left to send.
  if ((!begun_ || n_queued_ > 0) && !run(nullptr, pg::Format::Text)) {
    return false;
  }
  // A connection to a pooler outlives the server. But the transaction runs in one session of the server, and a crash
  // after this ends it.
  if (!lease_->connection().own_session() && !confirm()) {
    return false;
  }
  PROJECTOR_TEST_POINT("before_commit");
  try {
    lease_->connection().exec("COMMIT");
  } catch (const pg::Error& error) {
    if (error.connection_lost()) {
      fail(connection_failure(error.what()));
      failure_->doubtful = true;
    } else {
      fail({Failure::Kind::Statement, reaction_to(error), fmt::format("{} (at COMMIT)", error.what()),
            PROJECTOR_NO_EVENT, false});
    }
    return false;
  } catch (const pg::Interrupted&) {
    fail(connection_failure("the host stopped while COMMIT was on its way"));
    failure_->doubtful = true;
    return false;
  }
  PROJECTOR_TEST_POINT("after_commit");
  begun_ = false;
  lease_.reset();
  return true;
}

void BatchTransaction::rollback() noexcept {
  if (lease_ && begun_) {
    try {
      if (lease_->connection().usable()) {
        lease_->connection().exec("ROLLBACK");
      }
    } catch (...) {
      lease_->connection().close();
    }
  }
  lease_.reset();
  begun_ = false;
  clear_queue();
}

plugin::Verdict BatchTransaction::fail(Failure failure) {
  if (!failure_) {
    failure_ = std::move(failure);
  }
  return verdict();
}

plugin::Verdict BatchTransaction::verdict() const {
  return {verdict_of(failure_->reaction), failure_->text, failure_->event_index};
}

} // namespace projector::projection
