#include "channel/statements.hpp"

#include "channel/cell.hpp"

namespace projector::channel {

namespace {

void write_statement(Writer& writer, const Statement& statement) {
  writer.u32(statement.event_index);
  writer.u32(statement.flags);
  writer.text(statement.sql);
  writer.u32(static_cast<std::uint32_t>(statement.n_params));
  for (std::size_t i = 0; i < statement.n_params; ++i) {
    write_cell(writer, statement.params[i]);
  }
}

} // namespace

void append_statement(Writer& queue, const Statement& statement) {
  queue.flag(true);
  write_statement(queue, statement);
}

void finish_statements(Writer& queue) {
  queue.flag(false);
}

void finish_query(Writer& queue, const Statement& query) {
  queue.flag(false);
  write_statement(queue, query);
}

void finish_end(Writer& queue, const Verdict& plugin_verdict) {
  queue.flag(false);
  write_verdict(queue, plugin_verdict);
}

bool StatementReader::next(Statement& into) {
  if (!reader_.flag("whether a statement follows")) {
    return false;
  }
  into = statement();
  return true;
}

Statement StatementReader::query() {
  const Statement found = statement();
  reader_.end();
  return found;
}

Statement StatementReader::statement() {
  Statement found;
  found.event_index = reader_.u32("a statement's event index");
  found.flags = reader_.u32("a statement's flags");
  found.sql = reader_.text("a statement's text").data();
  found.n_params = reader_.count(kLeastCell, "the number of parameters");
  params_.clear();
  for (std::size_t i = 0; i < found.n_params; ++i) {
    params_.push_back(read_cell(reader_));
  }
  found.params = params_.data();
  return found;
}

} // namespace projector::channel
