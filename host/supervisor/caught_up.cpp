#include "supervisor/caught_up.hpp"

#include "pg/error.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace projector::supervisor {
namespace {

constexpr base::Duration kPollInterval = std::chrono::milliseconds(20);
/// After this many refusals in a row on a working session, a statement counts as refused permanently.
constexpr int kMostRefusals = 50;

} // namespace

CaughtUp::CaughtUp(pg::ConnectOptions connect, const projection::CheckpointTables& tables, eventlog::EventLog& log,
                   std::function<std::optional<Outlook>()> outlook)
    : connect_(std::move(connect)), tables_(tables), log_(log),
      outlook_(std::move(outlook)), behind_{"what was committed at the start is not settled yet"} {
  thread_ = std::jthread([this] { run(); });
}

CaughtUp::~CaughtUp() {
  stop_.request();
  thread_.join();
}

CaughtUp::Result CaughtUp::result() const {
  const std::lock_guard lock(mutex_);
  return result_;
}

std::vector<std::string> CaughtUp::behind() const {
  const std::lock_guard lock(mutex_);
  auto behind = behind_;
  if (!trouble_.empty()) {
    behind.push_back(trouble_);
  }
  return behind;
}

void CaughtUp::run() noexcept {
  try {
    watch();
  } catch (const pg::Interrupted&) { // NOLINT: the stop was requested
  } catch (const std::exception& error) {
    {
      const std::lock_guard lock(mutex_);
      trouble_ = error.what();
    }
    end(Result::Stuck);
  }
}

void CaughtUp::watch() {
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
      if (const auto result = poll(*connection, target); result != Result::Waiting) {
        end(result);
        return;
      }
    } catch (const pg::Error& error) {
      if (report(error)) {
        end(Result::Stuck);
        return;
      }
      connection.reset();
    }
    stop_.wait_for(kPollInterval);
  }
}

bool CaughtUp::report(const pg::Error& error) {
  std::string trouble = fmt::format("the stored checkpoints cannot be read: {}", error.what());
  const std::lock_guard lock(mutex_);
  if (trouble != trouble_) {
    spdlog::warn("{}", trouble);
    trouble_ = std::move(trouble);
  }
  refusals_ = error.connection_lost() ? 0 : refusals_ + 1;
  return refusals_ >= kMostRefusals;
}

void CaughtUp::end(Result result) {
  {
    const std::lock_guard lock(mutex_);
    result_ = result;
  }
  ended_.set();
}

CaughtUp::Result CaughtUp::poll(pg::Connection& connection, std::int64_t target) {
  const auto outlook = outlook_();
  if (!outlook) {
    return Result::Waiting;
  }
  std::vector<std::string> behind = outlook->opening;
  bool all_stuck = behind.empty();
  const auto rows = connection.exec(
      fmt::format("SELECT wanted.name, c.position, coalesce(p.rebuild_requested > 0, false) FROM unnest($1::text[]) AS "
                  "wanted(name) LEFT JOIN {} c ON c.name = wanted.name LEFT JOIN {} p ON p.checkpoint = c.checkpoint "
                  "WHERE c.position IS NULL OR c.position < $2 OR p.rebuild_requested > 0 ORDER BY 1",
                  tables_.checkpoints, tables_.projections),
      pg::Parameters{}.text_array(outlook->checkpoints).int8(target));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string name(rows.bytes(row, 0));
    const auto stuck = outlook->stuck.find(name);
    all_stuck = all_stuck && stuck != outlook->stuck.end();
    std::string line = name;
    if (rows.is_null(row, 1)) {
      line += " has no checkpoint";
    } else if (rows.boolean(row, 2)) {
      line += " waits for its rebuild, which has not begun";
    } else {
      line += fmt::format(" at {} of {}", rows.int8(row, 1), target);
    }
    behind.push_back(line + (stuck == outlook->stuck.end() ? "" : ": " + stuck->second));
  }
  behind.insert(behind.end(), outlook->refused.begin(), outlook->refused.end());
  const std::lock_guard lock(mutex_);
  trouble_.clear();
  refusals_ = 0;
  behind_ = std::move(behind);
  return behind_.empty() ? Result::Reached : all_stuck ? Result::Stuck : Result::Waiting;
}

} // namespace projector::supervisor
