#pragma once

#include "base/stop.hpp"
#include "pg/connection.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace projector::projection {

/// The session of a thread that works in the background for as long as the host runs: it is made anew after it was
/// lost, and what fails again and again is reported once. Used by that thread only.
class BackgroundSession {
public:
  using Report = std::function<void(const std::string&)>;
  /// `report` may be empty. After a stop a running statement may go on for a second.
  BackgroundSession(pg::ConnectOptions connect, const base::Stop& stop, Report report);

  /// Connects where there is no usable session. Throws pg::Error, pg::Interrupted.
  pg::Connection& connection();
  [[nodiscard]] bool connected() const noexcept { return connection_ != nullptr; }

  /// Runs `action`, which says whether it succeeded. Where it throws, `describe` makes the report of the error's text;
  /// a stop is not reported. A session that may be the cause of the error is closed. False: it did not succeed. `task`
  /// tells apart what is reported for itself.
  bool attempt(std::size_t task, const std::function<bool()>& action,
               const std::function<std::string(const std::string&)>& describe);
  /// What `error` says and, where it waited for a lock for too long, who holds it.
  [[nodiscard]] std::string explain(const std::exception& error) const;
  /// Reports that `task` failed, if it did not fail before.
  void report_failure(std::size_t task, const std::string& text);

private:
  pg::ConnectOptions connect_;
  const base::Stop& stop_;
  Report report_;
  std::unique_ptr<pg::Connection> connection_;
  std::set<std::size_t> failing_; ///< tasks that failed last, which was reported
};

} // namespace projector::projection
