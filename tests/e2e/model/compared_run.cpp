#include "compared_run.hpp"

#include "support/wait.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace projector::test::model {

void ComparedRun::begin(const std::vector<Operation>& first) {
  for (const auto& operation : first) {
    note(operation);
    host_.perform(operation);
  }
  model_.start(disk_);
  host_.start();
  compare(std::nullopt);
}

void ComparedRun::note(const Operation& operation) {
  history_.push_back(fmt::format("{}: {}", ++number_, to_string(operation)));
  if (history_.size() > 20) {
    history_.pop_front();
  }
  apply(operation, disk_);
}

void ComparedRun::step(const Operation& operation) {
  note(operation);
  const bool new_life = operation.kind == Operation::Kind::Kill || operation.kind == Operation::Kind::Restart;
  std::optional<HostModel::Names> moved;
  if (new_life) {
    model_.start(disk_);
  } else {
    moved = model_.look(disk_);
  }
  try {
    host_.perform(operation);
    compare(moved);
  } catch (const std::exception& error) {
    FAIL() << error.what() << report();
  }
}

void ComparedRun::burst(const std::vector<Operation>& operations, const std::vector<bool>& waits,
                        const std::vector<Operation>& repairs) {
  try {
    for (std::size_t index = 0; index < operations.size(); ++index) {
      note(operations[index]);
      host_.perform(operations[index]);
      ASSERT_TRUE(!waits[index] || host_.settle()) << "the host does not take in an included file" << report();
    }
    for (const auto& operation : repairs) {
      note(operation);
      host_.perform(operation);
    }
    model_.start(disk_);
    std::vector<std::string> found{"the host shows nothing"};
    const bool agreed = eventually([&] {
      if (auto view = host_.view()) {
        view_ = std::move(*view);
        found = differences(model_, view_, Numbers::Open);
      }
      return found.empty();
    });
    ASSERT_TRUE(agreed) << fmt::format("{}", fmt::join(found, "\n")) << report();
    look_at_read_models();
  } catch (const std::exception& error) {
    FAIL() << error.what() << report();
  }
}

/// `moved` is nothing after a start of the host, when all threads are new.
void ComparedRun::compare(const std::optional<HostModel::Names>& moved) {
  agree(moved);
  if (!testing::Test::HasFatalFailure() && !disk_.main_broken) {
    // Unexpected actions of the host would show after another scan.
    ASSERT_TRUE(host_.settle()) << "the host does not take in an included file" << report();
    agree(HostModel::Names{});
  }
  if (!testing::Test::HasFatalFailure()) {
    look_at_read_models();
  }
}

void ComparedRun::agree(const std::optional<HostModel::Names>& moved) {
  std::vector<std::string> found{"the host shows nothing"};
  Threads threads;
  const bool agreed = eventually([&] {
    if (auto view = host_.view()) {
      view_ = std::move(*view);
      threads = threads_of(view_);
      found = differences(model_, view_, Numbers::Exact);
      if (found.empty() && moved) {
        found = kept_threads(threads_, threads, *moved);
      }
    }
    return found.empty();
  });
  ASSERT_TRUE(agreed) << fmt::format("{}", fmt::join(found, "\n")) << report();
  if (moved) {
    const auto changed = changed_threads(threads_, threads, *moved);
    ASSERT_TRUE(changed.empty()) << fmt::format("{}", fmt::join(changed, "\n")) << report();
  }
  threads_ = threads;
}

void ComparedRun::look_at_read_models() {
  const auto faults = host_.read_model_faults(false);
  ASSERT_TRUE(faults.empty()) << fmt::format("{}", fmt::join(faults, "\n")) << report();
}

std::string ComparedRun::report() const {
  return fmt::format("\nseed {}, operation {}; the last ones:\n  {}\nthe model:\n{}the host:\n{}its log:\n{}\n", seed_,
                     number_, fmt::join(history_, "\n  "), to_string(model_), to_string(view_), host_.log_tail(60));
}

} // namespace projector::test::model
