#include "supervisor/caught_up.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <memory>

namespace projector::supervisor {
namespace {

constexpr int kLookMilliseconds = 20;

} // namespace

CaughtUp::CaughtUp(pg::ConnectOptions connect, const projection::CheckpointTables& tables, eventlog::EventLog& log,
                   std::function<std::optional<std::vector<std::string>>()> names,
                   std::function<std::vector<projection::WorkerStatus>()> workers)
    : connect_(std::move(connect)), tables_(tables), log_(log), names_(std::move(names)),
      workers_(std::move(workers)), behind_{"what was committed at the start is not settled yet"} {
  thread_ = std::jthread([this] { run(); });
}

CaughtUp::~CaughtUp() {
  stop_.request();
  thread_.join();
}

std::vector<std::string> CaughtUp::behind() const {
  const std::lock_guard lock(mutex_);
  return behind_;
}

void CaughtUp::run() {
  if (!log_.settle(stop_)) {
    return;
  }
  const std::int64_t target = log_.settled();
  std::unique_ptr<pg::Connection> connection;
  while (!stop_.requested()) {
    try {
      if (!connection || !connection->usable()) {
        connection = std::make_unique<pg::Connection>(connect_, stop_);
      }
      if (look(*connection, target)) {
        reached_.set();
        return;
      }
    } catch (const pg::Interrupted&) {
      return;
    } catch (const pg::Error&) {
      connection.reset();
    }
    pollfd wait{stop_.fd(), POLLIN, 0};
    ::poll(&wait, 1, kLookMilliseconds);
  }
}

std::vector<std::string> CaughtUp::not_opened() const {
  std::vector<std::string> found;
  for (const auto& worker : workers_ ? workers_() : std::vector<projection::WorkerStatus>()) {
    using State = projection::State;
    const bool opens = worker.state == State::Starting || worker.state == State::CatchingUp ||
                       worker.state == State::Live || worker.state == State::Retrying;
    if (opens && !worker.opened) {
      found.push_back(fmt::format("{} is {}{}{}", worker.checkpoint, to_string(worker.state),
                                  worker.reason.empty() ? "" : ": ", worker.reason));
    }
  }
  return found;
}

bool CaughtUp::look(pg::Connection& connection, std::int64_t target) {
  const auto names = names_();
  if (!names) {
    return false;
  }
  // Before the checkpoints: one that is emptied meanwhile is then read as it stands afterwards.
  std::vector<std::string> behind = not_opened();
  const auto rows = connection.exec(
      fmt::format("SELECT wanted.name, c.position, p.rebuild_requested > 0 FROM unnest($1::text[]) AS wanted(name) "
                  "LEFT JOIN {} c ON c.name = wanted.name LEFT JOIN {} p ON p.checkpoint = c.checkpoint "
                  "WHERE c.position IS NULL OR c.position < $2 OR p.rebuild_requested > 0 ORDER BY 1",
                  tables_.checkpoints, tables_.projections),
      pg::Parameters{}.text_array(*names).int8(target));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto name = rows.bytes(row, 0);
    if (rows.is_null(row, 1)) {
      behind.push_back(fmt::format("{} has no checkpoint", name));
    } else if (!rows.is_null(row, 2) && rows.boolean(row, 2)) {
      behind.push_back(fmt::format("{} is to be rebuilt, and that has not begun", name));
    } else {
      behind.push_back(fmt::format("{} at {} of {}", name, rows.int8(row, 1), target));
    }
  }
  const std::lock_guard lock(mutex_);
  behind_ = std::move(behind);
  return behind_.empty();
}

} // namespace projector::supervisor
