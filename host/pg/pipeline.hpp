#pragma once

#include "pg/connection.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

namespace projector::pg {

/// How a statement reaches the server.
struct Send {
  enum class Prepare {
    Once, ///< parsed for this one execution
    Keep, ///< prepared in the session on first use, by text and scope, and executed by name from then on; as Once
          ///< where the session is not the connection's own
  };
  Prepare prepare = Prepare::Once;
  Format format = Format::Text;
  bool single_row = false; ///< its rows come one by one
  std::string_view scope;  ///< with Keep: what else tells two statements of the same text apart (the search_path)
};

/// Statements sent without waiting for their answers, in libpq's pipeline mode. Enters the mode when made, leaves it
/// when destroyed; a connection with answers outstanding at that time is closed. The owner of the connection owns it.
class Pipeline {
public:
  explicit Pipeline(Connection& connection);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Hands one statement to libpq and, now and then, feeds the socket, taking in what the server answers meanwhile.
  /// `tag` comes back with its result. Throws Error when the connection breaks, Interrupted; std::invalid_argument as
  /// check_statement.
  void send(std::string_view sql, const Parameters& parameters, const Send& how, std::size_t tag);

  struct Failure {
    std::size_t tag; ///< of the statement that failed
    Error error;
  };
  using OnResult = std::function<void(std::size_t tag, Result&& result)>;
  /// Ends the flight with a Sync and waits until everything sent has been answered. `on_result` gets each statement's
  /// result in order (with single_row: each row, then one of no rows). The first statement the server refused is
  /// returned; what came after it did not run, and the transaction, if one is open, can only roll back. Throws Error
  /// when the connection breaks, Interrupted, and what `on_result` throws (the connection is closed then). Any COPY
  /// state closes the connection and throws Error (0A000).
  [[nodiscard]] std::optional<Failure> sync(const OnResult& on_result);

private:
  struct Sent;
  void deallocate_retired();
  void read(const Sent& sent, const OnResult& on_result, std::optional<Failure>& failure);
  void read_sync(const Sent& sent, std::optional<Failure>& failure);
  void settle(const Sent& sent, Error error, std::optional<Failure>& failure);

  Connection& connection_;
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace projector::pg
