#include "host_view.hpp"

#include "operations.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace projector::test::model {
namespace {

using State = Shown::State;

bool same_state(State expected, const std::string& found) {
  switch (expected) {
  case State::Runs:
    return found == "live" || found == "catching_up";
  case State::Failed:
    return found == "failed";
  case State::Refused:
    return found == "refused";
  case State::Missing:
    return found == "missing";
  }
  return false;
}

std::string to_string(State state) {
  switch (state) {
  case State::Runs:
    return "live or catching_up";
  case State::Failed:
    return "failed";
  case State::Refused:
    return "refused";
  case State::Missing:
    return "missing";
  }
  return {};
}

bool same_reason(const std::vector<std::string>& expected, const std::string& found) {
  if (expected.empty()) {
    return found.empty();
  }
  std::size_t at = found.starts_with(expected.front()) ? expected.front().size() : std::string::npos;
  for (auto text = std::next(expected.begin()); text != expected.end() && at != std::string::npos; ++text) {
    const std::size_t next = found.find(*text, at);
    at = next == std::string::npos ? next : next + text->size();
  }
  return at != std::string::npos;
}

std::string to_string(const Shown& shown) {
  return fmt::format("{}, version \"{}\", generation {}, reason \"{}\"", to_string(shown.state), shown.version,
                     shown.generation, fmt::join(shown.reason, " .. "));
}

std::string to_string(const WorkerRow& row) {
  return fmt::format("{}, version \"{}\", generation {}, reason \"{}\"", row.state, row.version, row.generation,
                     row.reason);
}

/// A projection that is refused or missing as a whole has one row.
std::size_t rows_of(const std::string& projection, State state) {
  return state == State::Runs || state == State::Failed ? static_cast<std::size_t>(all_projections().at(projection))
                                                        : 1;
}

bool same_row(const Shown& shown, const WorkerRow& row, Numbers numbers) {
  const bool worker = shown.state == State::Runs || shown.state == State::Failed;
  return same_state(shown.state, row.state) && same_reason(shown.reason, row.reason) &&
         (!worker || (shown.version == row.version && row.thread > 0 &&
                      (numbers == Numbers::Open || shown.generation == row.generation)));
}

/// The log's lines about trials that failed, from the projection's name up to the colon before the reason.
std::vector<std::string> gone_back(const std::string& log) {
  std::vector<std::string> lines;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) {
    const std::size_t said = line.find(" failed before its first commit, going back to generation ");
    if (said != std::string::npos) {
      const std::size_t name = line.rfind(' ', line.rfind(": generation ", said)) + 1;
      lines.push_back(line.substr(name, line.find(": ", said) - name));
    }
  }
  return lines;
}

void add_log_differences(const HostModel& model, const std::string& log, std::vector<std::string>& found) {
  std::vector<std::string> expected = model.gone_back();
  std::vector<std::string> logged = gone_back(log);
  std::sort(expected.begin(), expected.end());
  std::sort(logged.begin(), logged.end());
  if (logged != expected) {
    found.push_back(fmt::format("log: expected these trials to fail: [{}]; found [{}]", fmt::join(expected, "; "),
                                fmt::join(logged, "; ")));
  }
  for (const auto& line : model.left()) {
    if (log.find(line) == std::string::npos) {
      found.push_back(fmt::format("log: expected \"{}\"", line));
    }
  }
}

} // namespace

Threads threads_of(const HostView& view) {
  Threads threads;
  for (const auto& [key, row] : view.rows) {
    if (row.thread > 0) {
      threads[key] = row.thread;
    }
  }
  return threads;
}

std::vector<std::string> differences(const HostModel& model, const HostView& view, Numbers numbers) {
  std::vector<std::string> found;
  const auto shown = model.shown();
  std::map<std::string, std::size_t> rows;
  for (const auto& [key, row] : view.rows) {
    const auto expected = shown.find(key.first);
    ++rows[key.first];
    if (expected == shown.end()) {
      found.push_back(fmt::format("{}: expected no row, found {}", key.second, to_string(row)));
    } else if (!same_row(expected->second, row, numbers)) {
      found.push_back(
          fmt::format("{}: expected {}; found {}", key.second, to_string(expected->second), to_string(row)));
    }
  }
  for (const auto& [name, expected] : shown) {
    if (rows[name] != rows_of(name, expected.state)) {
      found.push_back(fmt::format("{}: expected {} rows ({}), found {}", name, rows_of(name, expected.state),
                                  to_string(expected), rows[name]));
    }
  }
  if (numbers == Numbers::Exact) {
    add_log_differences(model, view.log, found);
  }
  return found;
}

std::vector<std::string> changed_threads(const Threads& before, const Threads& after, const HostModel::Names& moved) {
  std::vector<std::string> found;
  for (const auto& [key, thread] : before) {
    const auto now = after.find(key);
    if (!moved.contains(key.first) && (now == after.end() || now->second != thread)) {
      found.push_back(
          fmt::format("{}: its thread was {} and is {}", key.second, thread, now == after.end() ? 0 : now->second));
    }
  }
  return found;
}

std::vector<std::string> kept_threads(const Threads& before, const Threads& after, const HostModel::Names& moved) {
  std::vector<std::string> found;
  for (const auto& [key, thread] : before) {
    const auto now = after.find(key);
    if (moved.contains(key.first) && now != after.end() && now->second == thread) {
      found.push_back(fmt::format("{}: expected another thread than {}", key.second, thread));
    }
  }
  return found;
}

std::string to_string(const HostModel& model) {
  std::string text;
  for (const auto& [name, shown] : model.shown()) {
    text += fmt::format("  {}: {}\n", name, to_string(shown));
  }
  return text;
}

std::string to_string(const HostView& view) {
  std::string text;
  for (const auto& [key, row] : view.rows) {
    text += fmt::format("  {} ({}): {}, thread {}\n", key.first, key.second, to_string(row), row.thread);
  }
  return text;
}

} // namespace projector::test::model
