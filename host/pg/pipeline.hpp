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
    Once, ///< parsed for one execution
    Keep, ///< prepared in the session on first use, by text and scope, and then executed by name; like Once in the
          ///< sessions of a connection pooler
  };
  Prepare prepare = Prepare::Once;
  Format format = Format::Text;
  bool single_row = false; ///< one result for each row
  std::string_view scope;  ///< with Keep: distinguishes statements of the same text (the search_path)
};

/// Sends statements without waiting for their results, in libpq's pipeline mode. The constructor enters the mode, the
/// destructor leaves it; a connection with outstanding results is closed then. The owner of the connection owns it.
class Pipeline {
public:
  explicit Pipeline(Connection& connection);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Passes one statement to libpq and, if much output is unsent, writes to the socket and reads results. `tag` is
  /// returned with the statement's result. Throws Error when the connection breaks, Interrupted; std::invalid_argument
  /// as check_statement.
  void send(std::string_view sql, const Parameters& parameters, const Send& how, std::size_t tag);

  struct Failure {
    std::size_t tag; ///< of the statement that failed
    Error error;
  };
  using OnResult = std::function<void(std::size_t tag, Result&& result)>;
  /// Ends the flight with a Sync and waits until everything sent has been answered. `on_result` gets each statement's
  /// result in order (with single_row: each row, then one of no rows). Returns the error of the first statement that
  /// failed; those after it did not run, and an open transaction can only be rolled back. Throws Error if the
  /// connection is lost, Interrupted, and exceptions of `on_result` (the connection is closed then). Any COPY state
  /// closes the connection and throws Error (0A000).
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
