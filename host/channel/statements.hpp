#pragma once

#include "channel/reader.hpp"
#include "channel/verdict.hpp"
#include "channel/writer.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace projector::channel {

/// The arguments of one exec or query. Borrows all it points to.
struct Statement {
  std::uint32_t event_index = PROJECTOR_NO_EVENT;
  std::uint32_t flags = 0;
  const char* sql = nullptr; ///< a C string, not NULL
  const projector_value* params = nullptr;
  std::size_t n_params = 0;
};

/// The runner's queue is its next message: statements are appended to a Writer until one of the functions below makes
/// the queue a message.
void append_statement(Writer& queue, const Statement& statement);
void finish_statements(Writer& queue);                         ///< Kind::Statements
void finish_query(Writer& queue, const Statement& query);      ///< Kind::Query
void finish_end(Writer& queue, const Verdict& plugin_verdict); ///< Kind::End

/// Takes a message of the kinds above apart, in the order in which it was written: next until it is false, then the
/// function for the message's kind. All functions throw Malformed. Owned by the host's side; its results point into the
/// message, and params until the next call.
class StatementReader {
public:
  explicit StatementReader(std::string_view message) : reader_(message) {}

  /// False at the end of the queue.
  bool next(Statement& into);
  void end_of_statements() const { reader_.end(); }
  Statement query();
  Verdict plugin_verdict() { return read_verdict(reader_); }

private:
  Statement statement();

  Reader reader_;
  std::vector<projector_value> params_;
};

} // namespace projector::channel
