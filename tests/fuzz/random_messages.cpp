#include "random_inputs.hpp"

#include "channel/calls.hpp"
#include "channel/kind.hpp"
#include "channel/rows.hpp"
#include "channel/statements.hpp"
#include "channel/verdict.hpp"
#include "plugin/facts_message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace projector::channel;
namespace plugin = projector::plugin;
using namespace std::string_view_literals;

constexpr std::array kKinds = {Kind::Statements, Kind::Query,    Kind::End,     Kind::Facts, Kind::Create,
                               Kind::Handle,     Kind::Finished, Kind::Verdict, Kind::Rows,  Kind::Setup};

/// Valid messages, most of them then damaged in a few places.
class Messages {
public:
  explicit Messages(std::uint32_t seed) : random_(seed) {}

  std::string next() {
    const Kind kind = kKinds[below(kKinds.size())];
    Writer writer;
    write(kind, writer);
    std::string input(1, static_cast<char>(kind));
    input.append(writer.view());
    if (below(4) != 0) {
      damage(input);
    }
    return input;
  }

private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::uint32_t number() { return below(2) == 0 ? static_cast<std::uint32_t>(below(4)) : random_(); }
  std::string text() { return std::string(below(6), static_cast<char>('a' + below(26))); }
  std::optional<std::string> optional_text() { return below(3) == 0 ? std::nullopt : std::optional(text()); }

  std::optional<plugin::Facts::Names> names() {
    return below(2) == 0 ? std::nullopt : std::optional(plugin::Facts::Names(below(4), text()));
  }

  plugin::Facts facts() {
    plugin::Facts facts;
    facts.name = text();
    facts.version = text();
    facts.flags = number();
    facts.has_reset = below(2) == 0;
    facts.event_types = names();
    facts.bounded_contexts = names();
    for (std::size_t left = below(3); left > 0; --left) {
      facts.settings.push_back({1, text(), optional_text(), optional_text(), number()});
    }
    return facts;
  }

  Create create() {
    Create create = {text(), number(), number(), {}, optional_text()};
    for (std::size_t left = below(3); left > 0; --left) {
      create.settings.push_back({text(), text()});
    }
    return create;
  }

  projector_value value() {
    static constexpr std::string_view kData = "a\0'value"sv;
    const bool null = below(3) == 0;
    return {null ? nullptr : kData.data(), null ? 0 : below(kData.size() + 1), number(),
            static_cast<std::int32_t>(below(2))};
  }

  void write_statements(Kind kind, Writer& writer) {
    std::array<projector_value, 3> values = {};
    for (auto& each : values) {
      each = value();
    }
    const Statement statement = {number(), number(), "SELECT $1", values.data(), below(values.size() + 1)};
    for (std::size_t left = below(4); left > 0; --left) {
      append_statement(writer, statement);
    }
    if (kind == Kind::Statements) {
      finish_statements(writer);
    } else if (kind == Kind::Query) {
      finish_query(writer, statement);
    } else {
      finish_end(writer, {static_cast<projector_status>(number()), number(), text()});
    }
  }

  void write_rows(Writer& writer) {
    const std::size_t rows = below(4);
    const std::size_t columns = below(4);
    begin_rows(writer, rows, static_cast<std::uint32_t>(columns), number());
    for (std::size_t left = rows * columns; left > 0; --left) {
      append_cell(writer, value());
    }
  }

  void write(Kind kind, Writer& writer) {
    switch (kind) {
    case Kind::Statements:
    case Kind::Query:
    case Kind::End:
      return write_statements(kind, writer);
    case Kind::Facts:
      return plugin::write_facts(writer, facts());
    case Kind::Create:
      return write_create(writer, create());
    case Kind::Handle: {
      const std::array<const projector_event*, 4> events = {};
      return write_handle(writer, {number(), number(), number(), below(2) == 0, Finished::Committed}, events.data(),
                          below(events.size() + 1));
    }
    case Kind::Finished:
      return write_finished(writer, Finished::RolledBack);
    case Kind::Verdict:
      return write_verdict(writer, {static_cast<projector_status>(number()), number(), text()});
    case Kind::Rows:
      return write_rows(writer);
    default:
      return;
    }
  }

  void damage(std::string& input) {
    for (std::size_t left = 1 + below(3); left > 0; --left) {
      const std::size_t at = below(input.size());
      switch (below(4)) {
      case 0:
        input[at] = static_cast<char>(below(256));
        break;
      case 1:
        input[at] = static_cast<char>(below(4));
        break;
      case 2:
        input.resize(at + 1);
        break;
      default:
        input.insert(at, 1 + below(8), static_cast<char>(below(2) == 0 ? 0 : 255));
      }
    }
  }

  std::mt19937 random_;
};

} // namespace

int main(int argc, char** argv) {
  return projector::fuzz::run_random_inputs<Messages>(argc, argv);
}
