#include "supervisor/caught_up.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <memory>

namespace projector::supervisor {
namespace {

constexpr int kLookMilliseconds = 20;

} // namespace

CaughtUp::CaughtUp(pg::ConnectOptions connect, const projection::CheckpointTables& tables, eventlog::EventLog& log,
                   std::function<std::optional<std::vector<std::string>>()> names)
    : connect_(std::move(connect)), tables_(tables), log_(log),
      names_(std::move(names)), behind_{"what was committed at the start is not settled yet"} {
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

bool CaughtUp::look(pg::Connection& connection, std::int64_t target) {
  const auto names = names_();
  if (!names) {
    return false;
  }
  const auto rows =
      connection.exec(fmt::format("SELECT wanted.name, c.position FROM unnest($1::text[]) AS wanted(name) "
                                  "LEFT JOIN {} c ON c.name = wanted.name WHERE c.position IS NULL OR "
                                  "c.position < $2 ORDER BY 1",
                                  tables_.checkpoints),
                      pg::Parameters{}.text_array(*names).int8(target));
  std::vector<std::string> behind;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    behind.push_back(rows.is_null(row, 1)
                         ? fmt::format("{} has no checkpoint", rows.bytes(row, 0))
                         : fmt::format("{} at {} of {}", rows.bytes(row, 0), rows.int8(row, 1), target));
  }
  const std::lock_guard lock(mutex_);
  behind_ = std::move(behind);
  return behind_.empty();
}

} // namespace projector::supervisor
