#include "projection/background_session.hpp"

#include "projection/bounded_statement.hpp"

#include <utility>

namespace projector::projection {

BackgroundSession::BackgroundSession(pg::ConnectOptions connect, const base::Stop& stop, Report report)
    : connect_(std::move(connect)), stop_(stop), report_(std::move(report)) {}

pg::Connection& BackgroundSession::connection() {
  if (!connection_ || !connection_->usable()) {
    connection_ = std::make_unique<pg::Connection>(connect_, stop_, std::chrono::seconds(1));
  }
  return *connection_;
}

bool BackgroundSession::attempt(std::size_t task, const std::function<bool()>& action,
                                const std::function<std::string(const std::string&)>& describe) {
  try {
    if (!action()) {
      return false;
    }
    failing_.erase(task);
    return true;
  } catch (const pg::Interrupted&) {
    connection_.reset();
  } catch (const std::exception& error) {
    report_failure(task, describe(explain(error)));
    if (connection_ && !connection_->reusable()) {
      connection_.reset();
    }
  }
  return false;
}

std::string BackgroundSession::explain(const std::exception& error) const {
  return describe_error(connection_.get(), error);
}

void BackgroundSession::report_failure(std::size_t task, const std::string& text) {
  if (failing_.insert(task).second && report_) {
    report_(text);
  }
}

} // namespace projector::projection
