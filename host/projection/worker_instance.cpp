#include "projection/worker_instance.hpp"

#include <utility>

namespace projector::projection {

void WorkerInstance::start(const plugin::RunnerHost& host, plugin::RunnerOptions options) {
  end();
  auto started = std::make_unique<plugin::RunnerInstance>(host, std::move(options));
  const std::lock_guard lock(mutex_);
  instance_ = std::move(started);
  looked_at_ = {};
  if (stopped_) {
    instance_->stop();
  }
}

void WorkerInstance::end() noexcept {
  std::unique_ptr<plugin::RunnerInstance> ending;
  {
    const std::lock_guard lock(mutex_);
    count_end();
    // Not with the lock held: destroy may take seconds.
    ending = std::move(instance_);
    looked_at_ = {};
  }
}

void WorkerInstance::count_end() noexcept {
  if (instance_) {
    cpu_of_ended_ += instance_->usage().cpu;
    restarts_ += instance_->ended() ? 1 : 0;
  }
}

void WorkerInstance::stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (instance_) {
    instance_->stop();
  }
}

WorkerInstance::Process WorkerInstance::process() const {
  const std::lock_guard lock(mutex_);
  const auto now = base::Clock::now();
  if (now - looked_at_ >= std::chrono::seconds(1)) {
    looked_at_ = now;
    last_ = {};
    if (instance_) {
      last_.pid = instance_->pid();
      last_.usage = instance_->usage();
    }
    last_.usage.cpu += cpu_of_ended_;
    last_.restarts = restarts_;
  }
  return last_;
}

} // namespace projector::projection
