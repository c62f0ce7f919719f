#pragma once

#include "plugin/start.hpp"
#include "support/wait.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace projector::test {

/// What the callbacks of a runner were told. Outlives the runner. Any thread.
class RecordedRunner {
public:
  struct Line {
    int level = 0;
    std::string text;
    bool operator==(const Line& other) const { return level == other.level && text == other.text; }
  };

  /// What is to be started, with callbacks that record.
  plugin::Start start(std::string program, std::vector<std::string> arguments) {
    plugin::Start start;
    start.program = std::move(program);
    start.title = "projectord: test 0/1";
    start.arguments = std::move(arguments);
    start.on_line = [this](int level, std::string_view text) {
      const std::lock_guard lock(mutex_);
      lines_.push_back({level, std::string(text)});
    };
    start.on_exit = [this](const plugin::Exit& exit) {
      const std::lock_guard lock(mutex_);
      exit_ = exit;
      ++exits_;
    };
    return start;
  }
  plugin::Start shell(std::string script) { return start("/bin/sh", {"-c", std::move(script)}); }

  [[nodiscard]] std::vector<Line> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (auto& line : lines()) {
      texts.push_back(std::move(line.text));
    }
    return texts;
  }
  [[nodiscard]] std::optional<plugin::Exit> exit() const {
    const std::lock_guard lock(mutex_);
    return exit_;
  }
  [[nodiscard]] int exits() const {
    const std::lock_guard lock(mutex_);
    return exits_;
  }
  /// Waits for the end. A default exit with the code -2 if it does not come.
  [[nodiscard]] plugin::Exit ended() const {
    plugin::Exit never;
    never.code = -2;
    return eventually([this] { return exits() > 0; }) ? exit().value_or(never) : never;
  }
  [[nodiscard]] bool says(const std::string& text) const {
    return eventually([&] {
      const auto all = texts();
      return std::find(all.begin(), all.end(), text) != all.end();
    });
  }
  /// Waits for the first line; empty if none comes.
  [[nodiscard]] std::string first_line() const {
    return eventually([this] { return !lines().empty(); }) ? texts().front() : "";
  }

private:
  mutable std::mutex mutex_; ///< guards all members
  std::vector<Line> lines_;
  std::optional<plugin::Exit> exit_;
  int exits_ = 0;
};

} // namespace projector::test
