#include "pg/transaction.hpp"

#include <libpq-fe.h>

namespace projector::pg {

Transaction::Transaction(Connection& connection, std::string_view begin) : connection_(connection) {
  try {
    connection_.script(begin);
  } catch (...) {
    rollback();
    throw;
  }
}

Transaction::~Transaction() {
  rollback();
}

void Transaction::commit() {
  const Result result = connection_.exec("COMMIT");
  open_ = false;
  if (std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
    throw Error(Error::Kind::Statement, "25P02",
                "the server rolled the transaction back, since a statement had failed");
  }
}

void Transaction::rollback() noexcept {
  if (!open_) {
    return;
  }
  open_ = false;
  try {
    if (connection_.usable() && !connection_.at_rest()) {
      connection_.exec("ROLLBACK");
    }
  } catch (...) {
    connection_.close();
  }
}

} // namespace projector::pg
