#include "plugin/runner_call.hpp"

#include "base/clean_text.hpp"
#include "channel/reader.hpp"
#include "channel/rows.hpp"
#include "channel/verdict.hpp"
#include "plugin/facts_message.hpp"
#include "plugin/statement_check.hpp"

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <utility>

namespace projector::plugin {
namespace {

using channel::HostEnd;
using channel::Kind;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestText = 4096;

CallFailure broken_rules(const std::string& problem) {
  return {CallFailure::Kind::ProtocolError, base::clean_text(problem, kLongestText)};
}

CallFailure failure_of(const HostEnd::Received& received) {
  switch (received.status) {
  case HostEnd::Status::TimeUp:
    return {CallFailure::Kind::TimeUp, {}};
  case HostEnd::Status::Closed:
    return {CallFailure::Kind::Died, {}};
  default:
    return broken_rules(received.problem);
  }
}

/// One call, from its message to its end.
class RunningCall {
public:
  RunningCall(HostEnd& end, StatementSink* sink, std::size_t n_events, Clock::duration limit)
      : end_(end), sink_(sink), n_events_(n_events), deadline_(Clock::now() + limit) {}

  CallResult run(Kind kind, std::string_view message) {
    auto sent = end_.send(channel::number_of(kind), message, deadline_);
    while (sent.status == HostEnd::Status::Message) {
      const auto received = end_.receive(deadline_);
      if (received.status != HostEnd::Status::Message) {
        return failed(received);
      }
      try {
        if (auto result = take(static_cast<Kind>(received.kind), received.bytes)) {
          return std::move(*result);
        }
      } catch (const channel::Malformed& error) {
        return broken(error.what());
      }
      sent = answer();
    }
    return failed(sent);
  }

private:
  /// The end of the call; nothing if the runner waits for an answer.
  std::optional<CallResult> take(Kind kind, std::string_view bytes) {
    if (kind != Kind::Statements && kind != Kind::Query && kind != Kind::End) {
      return broken(fmt::format("a message of kind {} during a call", channel::number_of(kind)));
    }
    channel::StatementReader reader(bytes);
    answer_.clear();
    answer_kind_ = Kind::Verdict;
    channel::Statement statement;
    while (reader.next(statement)) {
      if (!failure_) {
        note(exec(statement));
      }
    }
    if (kind == Kind::End) {
      return CallResult{outcome_of(reader.plugin_verdict()), std::nullopt};
    }
    if (kind == Kind::Statements) {
      reader.end_of_statements();
    } else if (statement = reader.query(); !failure_) {
      note(query(statement));
    }
    return std::nullopt;
  }

  void note(Verdict verdict) {
    if (verdict.status != PROJECTOR_OK) {
      failure_ = std::move(verdict);
    }
  }

  HostEnd::Received answer() {
    if (answer_kind_ == Kind::Verdict) {
      const Verdict verdict = failure_.value_or(Verdict{});
      channel::write_verdict(answer_, {verdict.status, verdict.event_index, verdict.text});
    }
    // The runner does not use up its time while the host works for it.
    deadline_ += std::exchange(spent_, {});
    return end_.send(channel::number_of(answer_kind_), answer_.view(), deadline_);
  }

  Verdict exec(const channel::Statement& statement) {
    return checked("exec", statement, [&](std::uint32_t event_index) {
      return sink_->exec(event_index, statement.flags, statement.sql, statement.params, statement.n_params);
    });
  }

  Verdict query(const channel::Statement& statement) {
    return checked("query", statement, [&](std::uint32_t event_index) {
      std::unique_ptr<Rows> rows;
      Verdict verdict =
          sink_->query(event_index, statement.flags, statement.sql, statement.params, statement.n_params, rows);
      if (verdict.status == PROJECTOR_OK && rows) {
        write_rows(*rows);
      }
      return verdict;
    });
  }

  template <class Run>
  Verdict checked(const char* function, const channel::Statement& statement, Run run) {
    if (sink_ == nullptr) {
      return {PROJECTOR_FATAL, fmt::format("{}: there is no transaction", function), PROJECTOR_NO_EVENT};
    }
    if (auto wrong = check_arguments(statement.flags, statement.sql, statement.params, statement.n_params);
        !wrong.empty()) {
      return {PROJECTOR_FATAL, fmt::format("{}: {}", function, wrong), PROJECTOR_NO_EVENT};
    }
    const auto began = Clock::now();
    Verdict verdict = run(statement.event_index < n_events_ ? statement.event_index : PROJECTOR_NO_EVENT);
    spent_ += Clock::now() - began;
    return verdict;
  }

  void write_rows(const Rows& rows) {
    answer_kind_ = Kind::Rows;
    const std::size_t count = rows.count();
    const std::size_t columns = rows.columns();
    channel::begin_rows(answer_, count, static_cast<std::uint32_t>(columns), rows.affected());
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        projector_value value = {};
        rows.get(row, column, value);
        channel::append_cell(answer_, value);
      }
    }
  }

  /// The plugin's verdict; if it says OK, the first failure of its statements.
  Outcome outcome_of(const channel::Verdict& verdict) const {
    if (verdict.status == PROJECTOR_OK) {
      return failure_ ? Outcome{failure_->status, failure_->text, failure_->event_index} : Outcome{};
    }
    const bool known =
        verdict.status == PROJECTOR_RETRY || verdict.status == PROJECTOR_REJECT || verdict.status == PROJECTOR_FATAL;
    return {known ? verdict.status : PROJECTOR_FATAL, base::clean_text(verdict.text, kLongestText),
            verdict.event_index < n_events_ ? verdict.event_index : PROJECTOR_NO_EVENT};
  }

  static CallResult failed(const HostEnd::Received& received) {
    return {{PROJECTOR_FATAL, {}, PROJECTOR_NO_EVENT}, failure_of(received)};
  }
  static CallResult broken(const std::string& problem) {
    return {{PROJECTOR_FATAL, {}, PROJECTOR_NO_EVENT}, broken_rules(problem)};
  }

  HostEnd& end_;
  StatementSink* const sink_;
  const std::size_t n_events_;
  Clock::time_point deadline_;
  Clock::duration spent_ = {};
  std::optional<Verdict> failure_; ///< the first one of this call's statements
  channel::Writer answer_;
  Kind answer_kind_ = Kind::Verdict;
};

} // namespace

CallResult call_runner(HostEnd& end, Kind kind, std::string_view message, StatementSink* sink, std::size_t n_events,
                       Clock::duration limit) {
  return RunningCall(end, sink, n_events, limit).run(kind, message);
}

Description describe_runner(HostEnd& end, Clock::duration limit) {
  const auto deadline = Clock::now() + limit;
  auto answer = end.send(channel::number_of(Kind::Describe), {}, deadline);
  if (answer.status == HostEnd::Status::Message) {
    answer = end.receive(deadline);
  }
  if (answer.status != HostEnd::Status::Message) {
    return {std::nullopt, {}, failure_of(answer)};
  }
  try {
    switch (static_cast<Kind>(answer.kind)) {
    case Kind::Facts:
      return {read_facts(answer.bytes), {}, std::nullopt};
    case Kind::End: {
      channel::StatementReader reader(answer.bytes);
      if (channel::Statement none; reader.next(none)) {
        return {std::nullopt, {}, broken_rules("a statement instead of facts")};
      }
      return {std::nullopt, base::clean_text(reader.plugin_verdict().text, kLongestText), std::nullopt};
    }
    default:
      return {std::nullopt, {}, broken_rules(fmt::format("a message of kind {} instead of facts", answer.kind))};
    }
  } catch (const channel::Malformed& error) {
    return {std::nullopt, {}, broken_rules(error.what())};
  }
}

} // namespace projector::plugin
