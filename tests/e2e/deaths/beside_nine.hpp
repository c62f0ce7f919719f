#pragma once

#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/runner_processes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace projector::test {

/// A build of a plugin by tests/plugins: the one in the folder `version`, or the usual one.
std::filesystem::path built(const std::string& version, const std::string& name);

/// The table of a projection on `dies`: `keys`, then its settings, by which an event of `type` is the one that is
/// meant.
std::string dying(const std::string& where, const std::string& how, const std::string& keys = "",
                  const std::string& type = "Deadly");

/// One host with nine healthy projections while writers append events, and a tenth projection, `dies`, that a test
/// adds.
class BesideNine : public testing::Test {
protected:
  BesideNine();

  /// `keys` belong to each of the nine. Returns once all of them run and have handled events of the writers.
  void start_nine(const std::string& keys = "");
  /// Adds the tenth projection, with these lines of its table; `plugin` is the file whose name it gets.
  void add_tenth(const std::string& toml, const std::filesystem::path& plugin = built("", "dies"));
  /// Waits until the tenth has handled all that is there when this is called.
  void tenth_keeps_up();
  /// Appends one event of the type Deadly and returns its position.
  std::int64_t append_deadly();
  /// Puts the version of `dies` that does no harm in place, and waits until that one has handled all events so far.
  void replace_tenth();

  /// The first cell; "" if there is none.
  std::string value(const std::string& sql);
  /// Whether the first cell is `expected`, now or within a minute; a table that is missing does not count.
  bool becomes(const std::string& sql, const std::string& expected);
  /// State and reason of the tenth's workers, each one once: "failed: its process .."
  std::string tenth();
  /// Whether that matches a regular expression (ECMAScript) as a whole, now or within half a minute.
  bool tenth_becomes(const std::string& pattern);

  /// The thread of each of the nine's workers.
  std::string threads();
  /// Processes of the tenth's instances, and of what they have forked.
  std::vector<RunnerProcessSeen> runners_of_tenth();
  /// The nine handle events that are appended after this call, without a remark. They have the threads, processes and
  /// instances that they had at the end of start_nine, no batch of theirs was repeated, and nothing of the host has
  /// changed either.
  void expect_nine_undisturbed();
  /// Ends the writers, waits until all have handled everything, and compares the nine's read models, and the tenth's as
  /// one of `recorder`, with the events.
  void expect_all_exact(bool with_tenth = true);
  /// replace_tenth, beside nine that are undisturbed; then everything is exact, and the host ends well.
  void end_with_harmless_version();
  std::string last_position();
  /// What to print when something is wrong: all workers' states, and the host's log.
  std::string everything();

  /// Times between two commits of one of the nine that keep a row an event.
  struct Gaps {
    double median_ms = 0;
    double longest_ms = 0;
  };
  Gaps gaps(const std::string& from, const std::string& to);

  const std::string dsn_;
  HostProcess host_;
  std::unique_ptr<EventWriters> writers_;

private:
  void nine_go_on();
  /// Host, threads and processes, as a text.
  std::string what_stays();

  std::unique_ptr<pg::Connection> connection_;
  std::string before_; ///< what stays, at the end of start_nine
};

} // namespace projector::test
