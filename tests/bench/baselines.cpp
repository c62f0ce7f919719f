#include "baselines.hpp"

#include <libpq-fe.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

namespace projector::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Close {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Close>;
using Result = std::unique_ptr<PGresult, Clear>;

Connection connect(const std::string& dsn) {
  Connection connection(PQconnectdb(dsn.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  return connection;
}

Result exec(const Connection& connection, const char* sql) {
  Result result(PQexec(connection.get(), sql));
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_OUT) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  return result;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Row {
  std::string id;
  std::string position; ///< 8 bytes, most significant first
};

std::vector<Row> read_rows(const Connection& connection, std::uint64_t events) {
  const auto result =
      exec(connection, ("SELECT aggregate_id, int8send(global_position) FROM events ORDER BY global_position "
                        "LIMIT " +
                        std::to_string(events))
                           .c_str());
  std::vector<Row> rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    std::size_t size = 0;
    unsigned char* bytes =
        PQunescapeBytea(reinterpret_cast<const unsigned char*>(PQgetvalue(result.get(), row, 1)), &size);
    rows.push_back({PQgetvalue(result.get(), row, 0), std::string(reinterpret_cast<char*>(bytes), size)});
    PQfreemem(bytes);
  }
  return rows;
}

void send(bool sent, const Connection& connection) {
  if (!sent) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
}

void run_batch(const Connection& connection, const Row* rows, std::size_t n_rows) {
  send(PQsendQueryParams(connection.get(), "BEGIN", 0, nullptr, nullptr, nullptr, nullptr, 0) == 1, connection);
  for (std::size_t index = 0; index < n_rows; ++index) {
    const char* values[] = {rows[index].id.c_str(), rows[index].position.data()};
    const int lengths[] = {0, 8};
    const int formats[] = {0, 1};
    send(PQsendQueryPrepared(connection.get(), "upsert", 2, values, lengths, formats, 0) == 1, connection);
  }
  send(PQsendQueryParams(connection.get(), "COMMIT", 0, nullptr, nullptr, nullptr, nullptr, 0) == 1, connection);
  send(PQpipelineSync(connection.get()) == 1, connection);
  for (std::size_t answers = 0; answers < n_rows + 2; ++answers) {
    const Result result(PQgetResult(connection.get()));
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      throw std::runtime_error(PQerrorMessage(connection.get()));
    }
    const Result end(PQgetResult(connection.get()));
  }
  const Result sync(PQgetResult(connection.get()));
}

} // namespace

double copy_seconds(const std::string& dsn, std::uint64_t events) {
  const auto connection = connect(dsn);
  const auto begin = Clock::now();
  exec(connection, "COPY (SELECT * FROM events ORDER BY global_position) TO STDOUT (FORMAT binary)");
  std::uint64_t rows = 0;
  char* row = nullptr;
  while (PQgetCopyData(connection.get(), &row, 0) > 0) {
    PQfreemem(row);
    ++rows;
  }
  const double seconds = seconds_since(begin);
  // The server sends a trailer of its own, and the header with the first row.
  if (rows < events || rows > events + 2) {
    throw std::runtime_error("COPY gave " + std::to_string(rows) + " rows");
  }
  return seconds;
}

double pipeline_seconds(const std::string& dsn, std::uint64_t events, std::uint32_t batch) {
  const auto connection = connect(dsn);
  exec(connection, "SET client_min_messages = warning; SET synchronous_commit = off; DROP TABLE IF EXISTS "
                   "baseline_upserts; CREATE TABLE baseline_upserts (id "
                   "text PRIMARY KEY, events bigint NOT NULL, last bigint NOT NULL) WITH (fillfactor = 50)");
  const auto rows = read_rows(connection, events);
  const Oid types[] = {25, 20};
  Result(PQprepare(connection.get(), "upsert",
                   "INSERT INTO baseline_upserts VALUES ($1, 1, $2) ON CONFLICT (id) DO UPDATE SET events = "
                   "baseline_upserts.events + 1, last = excluded.last",
                   2, types));
  send(PQenterPipelineMode(connection.get()) == 1, connection);
  const auto begin = Clock::now();
  for (std::size_t from = 0; from < rows.size(); from += batch) {
    run_batch(connection, &rows[from], std::min<std::size_t>(batch, rows.size() - from));
  }
  return seconds_since(begin);
}

} // namespace projector::bench
