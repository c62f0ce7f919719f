#include "channel/calls.hpp"
#include "channel/kind.hpp"
#include "channel/reader.hpp"
#include "channel/rows.hpp"
#include "channel/statements.hpp"
#include "channel/verdict.hpp"
#include "plugin/facts_message.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace projector::channel;

void require(bool holds, const char* what, std::string_view input) {
  if (holds) {
    return;
  }
  std::fprintf(stderr, "%s, for this input, here in hexadecimal:\n", what);
  for (const char byte : input) {
    std::fprintf(stderr, "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  std::fprintf(stderr, "\n");
  std::abort();
}

/// Appends what was read to the writer, and so do the functions below. There is one way to write each message.
void rewrite_statements(Kind kind, std::string_view message, Writer& writer) {
  StatementReader reader(message);
  Statement statement;
  while (reader.next(statement)) {
    append_statement(writer, statement);
  }
  if (kind == Kind::Statements) {
    reader.end_of_statements();
    finish_statements(writer);
  } else if (kind == Kind::Query) {
    finish_query(writer, reader.query());
  } else {
    finish_end(writer, reader.plugin_verdict());
  }
}

void rewrite_rows(std::string_view message, Writer& writer) {
  const Rows rows(message);
  begin_rows(writer, rows.count(), static_cast<std::uint32_t>(rows.columns()), rows.affected());
  projector_value value = {};
  for (std::size_t row = 0; rows.columns() > 0 && row < rows.count(); ++row) {
    for (std::size_t column = 0; rows.get(row, column, value); ++column) {
      append_cell(writer, value);
    }
  }
}

void rewrite(Kind kind, std::string_view message, Writer& writer) {
  switch (kind) {
  case Kind::Statements:
  case Kind::Query:
  case Kind::End:
    return rewrite_statements(kind, message, writer);
  case Kind::Facts:
    return projector::plugin::write_facts(writer, projector::plugin::read_facts(message));
  case Kind::Create:
    return write_create(writer, read_create(message));
  case Kind::Handle: {
    Handle handle;
    read_handle(message, handle);
    return write_handle(writer, handle, handle.events.data(), handle.events.size());
  }
  case Kind::Finished:
    return write_finished(writer, read_finished(message));
  case Kind::Verdict: {
    Reader reader(message);
    return write_verdict(writer, read_verdict(reader));
  }
  case Kind::Rows:
    return rewrite_rows(message, writer);
  default:
    throw Malformed("malformed message: of a kind that has no bytes");
  }
}

} // namespace

/// The first byte is the kind, the rest the message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // A copy of its own, so that a sanitizer sees a read behind the end.
  const std::string message(input.substr(1));
  Writer writer;
  try {
    rewrite(static_cast<Kind>(data[0]), message, writer);
  } catch (const Malformed& malformed) {
    require(std::string_view(malformed.what()).substr(0, 19) == "malformed message: ", "the text says what it is",
            input);
    return 0;
  }
  require(writer.view() == message, "what was read is written as it was", input);
  return 0;
}
