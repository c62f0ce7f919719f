#include "runner/channel_sink.hpp"

#include "channel/reader.hpp"
#include "channel/rows.hpp"

#include <string>

namespace projector::runner {
namespace {

using channel::Kind;

class ReceivedRows final : public plugin::Rows {
public:
  explicit ReceivedRows(std::string_view message) : rows_(message) {}
  [[nodiscard]] std::size_t count() const override { return rows_.count(); }
  [[nodiscard]] std::size_t columns() const override { return rows_.columns(); }
  [[nodiscard]] std::int64_t affected() const override { return rows_.affected(); }
  bool get(std::size_t row, std::size_t column, projector_value& value) const override {
    return rows_.get(row, column, value);
  }

private:
  channel::Rows rows_;
};

plugin::Verdict read_answer(std::string_view message) {
  channel::Reader reader(message);
  const channel::Verdict verdict = channel::read_verdict(reader);
  return {verdict.status, std::string(verdict.text), verdict.event_index};
}

} // namespace

plugin::Verdict ChannelSink::exec(std::uint32_t event_index, std::uint32_t flags, const char* sql,
                                  const projector_value* params, std::size_t n_params) {
  channel::append_statement(queue_, {event_index, flags, sql, params, n_params});
  if (queue_.size() < queue_bytes_) {
    return {};
  }
  channel::finish_statements(queue_);
  return read_answer(ask(Kind::Statements).bytes);
}

plugin::Verdict ChannelSink::query(std::uint32_t event_index, std::uint32_t flags, const char* sql,
                                   const projector_value* params, std::size_t n_params,
                                   std::unique_ptr<plugin::Rows>& rows) {
  channel::finish_query(queue_, {event_index, flags, sql, params, n_params});
  const auto answer = ask(Kind::Query);
  if (answer.kind != channel::number_of(Kind::Rows)) {
    return read_answer(answer.bytes);
  }
  rows = std::make_unique<ReceivedRows>(answer.bytes);
  return {};
}

void ChannelSink::end(const channel::Verdict& verdict) {
  channel::finish_end(queue_, verdict);
  const bool sent = end_.send(channel::number_of(Kind::End), queue_.view());
  queue_.clear();
  if (!sent) {
    throw ChannelClosed();
  }
}

channel::RunnerEnd::Message ChannelSink::ask(Kind request) {
  const bool sent = end_.send(channel::number_of(request), queue_.view());
  queue_.clear();
  auto answer = sent ? end_.receive() : std::nullopt;
  if (!answer) {
    throw ChannelClosed();
  }
  return *answer;
}

} // namespace projector::runner
