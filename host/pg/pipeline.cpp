#include "pg/pipeline.hpp"

#include "pg/server_error.hpp"
#include "pg/statement_cache.hpp"

#include <libpq-fe.h>

#include <vector>

namespace projector::pg {

namespace {

/// Bytes in libpq's output buffer above which the socket is written to.
constexpr std::size_t kMostUnsent = 65536;

} // namespace

/// One message sent whose answer is outstanding.
struct Pipeline::Sent {
  enum class Kind { Prepare, Execute, Deallocate, Sync };
  Kind kind;
  bool single_row;
  std::size_t tag;
  StatementCache::Statement* statement; ///< prepared or executed by name; valid until something in the flight fails
};

struct Pipeline::State {
  std::vector<Sent> sent;
  Parameters::Arrays arrays;
  std::string text;
  std::size_t unsent = 0;
};

Pipeline::Pipeline(Connection& connection) : connection_(connection), state_(std::make_unique<State>()) {
  if (PQenterPipelineMode(connection_.live()) == 0) {
    connection_.fail("cannot begin a pipeline");
  }
}

Pipeline::~Pipeline() {
  if (!connection_.connection_) {
    return;
  }
  if (!state_->sent.empty() || PQexitPipelineMode(connection_.connection_.get()) == 0) {
    connection_.close();
  }
}

void Pipeline::send(std::string_view sql, const Parameters& parameters, const Send& how, std::size_t tag) {
  check_statement(sql, parameters);
  PGconn* const connection = connection_.live();
  if (state_->sent.empty()) {
    deallocate_retired();
  }
  auto& arrays = state_->arrays;
  parameters.arrays(arrays);
  const int count = static_cast<int>(parameters.size());
  const int format = static_cast<int>(how.format);
  StatementCache::Statement* statement = nullptr;
  int queued = 0;
  if (how.prepare == Send::Prepare::Keep && connection_.own_session()) {
    const auto use = connection_.statements_->use(how.scope, sql, arrays.types);
    statement = use.statement;
    if (use.prepare) {
      state_->sent.push_back({Sent::Kind::Prepare, false, tag, statement});
      if (PQsendPrepare(connection, statement->name.c_str(), statement->text.c_str(), count, arrays.types.data()) ==
          0) {
        connection_.fail("cannot send a statement");
      }
    }
    queued = PQsendQueryPrepared(connection, statement->name.c_str(), count, arrays.values.data(),
                                 arrays.lengths.data(), arrays.formats.data(), format);
  } else {
    state_->text.assign(sql);
    queued = PQsendQueryParams(connection, state_->text.c_str(), count, arrays.types.data(), arrays.values.data(),
                               arrays.lengths.data(), arrays.formats.data(), format);
  }
  if (queued == 0) {
    connection_.fail("cannot send a statement");
  }
  state_->sent.push_back({Sent::Kind::Execute, how.single_row, tag, statement});
  state_->unsent += sql.size() + parameters.bytes();
  if (state_->unsent >= kMostUnsent) {
    state_->unsent = 0;
    connection_.feed();
  }
}

/// They are sent before the flight and end with a Sync of their own, so that an error does not affect the flight; only
/// outside a transaction, which an error would abort.
void Pipeline::deallocate_retired() {
  PGconn* const connection = connection_.live();
  if (PQtransactionStatus(connection) != PQTRANS_IDLE) {
    return;
  }
  const auto names = connection_.statements_->take_retired();
  if (names.empty()) {
    return;
  }
  for (const auto& name : names) {
    const std::string sql = "DEALLOCATE " + name;
    if (PQsendQueryParams(connection, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0) {
      connection_.fail("cannot send a statement");
    }
    state_->sent.push_back({Sent::Kind::Deallocate, false, 0, nullptr});
  }
  if (PQpipelineSync(connection) == 0) {
    connection_.fail("cannot send statements");
  }
  state_->sent.push_back({Sent::Kind::Sync, false, 0, nullptr});
}

std::optional<Pipeline::Failure> Pipeline::sync(const OnResult& on_result) {
  std::optional<Failure> failure;
  if (PQpipelineSync(connection_.live()) == 0) {
    connection_.fail("cannot send statements");
  }
  const std::size_t last_tag = state_->sent.empty() ? 0 : state_->sent.back().tag;
  state_->sent.push_back({Sent::Kind::Sync, false, last_tag, nullptr});
  try {
    for (const Sent& sent : state_->sent) {
      if (sent.kind == Sent::Kind::Sync) {
        read_sync(sent, failure);
      } else {
        read(sent, on_result, failure);
      }
    }
  } catch (...) {
    connection_.close();
    throw;
  }
  state_->sent.clear();
  state_->unsent = 0;
  connection_.statements_->trim();
  return failure;
}

void Pipeline::read(const Sent& sent, const OnResult& on_result, std::optional<Failure>& failure) {
  if (sent.single_row) {
    PQsetSingleRowMode(connection_.live());
  }
  Result result = connection_.next_result();
  if (!result) {
    connection_.fail("the server has not sent a result of a statement");
  }
  for (; result; result = connection_.next_result()) {
    switch (PQresultStatus(result.get())) {
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      connection_.refuse_copy();
    case PGRES_PIPELINE_ABORTED:
      if (sent.kind == Sent::Kind::Prepare) {
        connection_.statements_->forget(*sent.statement);
      }
      break;
    case PGRES_FATAL_ERROR:
    case PGRES_NONFATAL_ERROR:
    case PGRES_BAD_RESPONSE:
      settle(sent, connection_.failure(result), failure);
      break;
    default:
      if (sent.kind == Sent::Kind::Execute && on_result) {
        on_result(sent.tag, std::move(result));
      }
    }
  }
}

/// A Sync's result is not followed by a null result, unless the implicit commit failed.
void Pipeline::read_sync(const Sent& sent, std::optional<Failure>& failure) {
  for (;;) {
    const Result result = connection_.next_result();
    if (failed(result)) {
      settle(sent, connection_.failure(result), failure);
    } else if (result && PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      return;
    } else if (!connection_.usable()) {
      connection_.fail("the connection broke in a pipeline");
    }
  }
}

/// Handles an error of the server. Only the first one of the flight is returned.
void Pipeline::settle(const Sent& sent, Error error, std::optional<Failure>& failure) {
  if (error.connection_lost()) {
    throw error;
  }
  auto& statements = *connection_.statements_;
  const bool gone = sent.kind == Sent::Kind::Prepare || (sent.statement != nullptr && error.is("26000"));
  if (gone) {
    statements.forget(*sent.statement);
  } else if (sent.statement != nullptr && error.is("0A000")) {
    statements.retire(*sent.statement);
  }
  if (!failure && sent.kind != Sent::Kind::Deallocate) {
    failure = Failure{sent.tag, std::move(error)};
  }
}

} // namespace projector::pg
