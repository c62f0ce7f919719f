#include "plugin/runner.hpp"

#include "plugin/runner_process.hpp"

#include <utility>

namespace projector::plugin {

Runner::Runner(std::shared_ptr<RunnerProcess> process) noexcept : process_(std::move(process)) {}

Runner::~Runner() {
  release();
}

Runner::Runner(Runner&& other) noexcept = default;

Runner& Runner::operator=(Runner&& other) noexcept {
  if (this != &other) {
    release();
    process_ = std::move(other.process_);
  }
  return *this;
}

pid_t Runner::pid() const noexcept {
  return process_->pid();
}

void Runner::kill() noexcept {
  process_->kill();
}

std::optional<Exit> Runner::exit() const {
  return process_->exit();
}

std::optional<Usage> Runner::usage() const {
  return process_->usage();
}

void Runner::release() noexcept {
  if (process_) {
    process_->release(kLongestEnd);
    process_.reset();
  }
}

} // namespace projector::plugin
