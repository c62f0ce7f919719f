#pragma once

#include "host_model.hpp"
#include "host_view.hpp"
#include "operated_host.hpp"
#include "operations.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace projector::test::model {

/// The host and its model, which do the same and are compared. What is found ends the test with the seed, the last
/// operations, both views and the log's end. One thread.
class ComparedRun {
public:
  ComparedRun(const std::string& dsn, std::uint64_t seed) : host_(dsn), seed_(seed) {}

  /// Starts the host on files that were put in place by `first`.
  void begin(const std::vector<Operation>& first);
  /// Carries out one operation, waits until the host agrees with the model, and compares the read models.
  void step(const Operation& operation);
  /// Carries out operations while the host is still busy with those before. What it makes of each is open then, even
  /// how many generations it counts: after the last ones, `repairs`, it has to run a good version of everything.
  /// `waits` says after which operations it waits until the host has scanned its files. To be followed by a new start.
  void burst(const std::vector<Operation>& operations, const std::vector<bool>& waits,
             const std::vector<Operation>& repairs);

  [[nodiscard]] const Disk& disk() const { return disk_; }
  OperatedHost& host() { return host_; }
  [[nodiscard]] std::string report() const;

private:
  void note(const Operation& operation);
  void compare(const std::optional<HostModel::Names>& moved);
  void agree(const std::optional<HostModel::Names>& moved);
  void look_at_read_models();

  OperatedHost host_;
  const std::uint64_t seed_;
  Disk disk_;
  HostModel model_;
  HostView view_;
  Threads threads_;
  std::uint64_t number_ = 0;
  std::deque<std::string> history_;
};

} // namespace projector::test::model
