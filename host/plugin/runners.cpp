#include "plugin/runners.hpp"

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

namespace projector::plugin {

struct Runners::Request {
  Start start;
  std::condition_variable answered; ///< of its own, so that one answer does not wake all that wait
  bool done = false;
  std::shared_ptr<RunnerProcess> process; ///< or ..
  std::exception_ptr error;
};

Runners::Runners() : watch_(wakeup_) {
  thread_ = std::thread([this] { run(); });
}

Runners::~Runners() {
  end();
}

void Runners::end() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ending_, true)) {
      return;
    }
  }
  wakeup_.set();
  thread_.join();
}

Runner Runners::start(Start start) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    throw std::system_error(EDEADLK, std::generic_category(), "a runner was to be started by a runner's callback");
  }
  Request request;
  request.start = std::move(start);
  std::unique_lock lock(mutex_);
  if (ending_) {
    throw std::system_error(ECANCELED, std::generic_category(), "no runner is started any more");
  }
  requests_.push_back(&request);
  wakeup_.set();
  request.answered.wait(lock, [&request] { return request.done; });
  if (request.error) {
    std::rethrow_exception(request.error);
  }
  return Runner(std::move(request.process));
}

void Runners::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "runners");
  bool more = false;
  while (true) {
    // One at a time, so that many starts do not keep the others' lines and ends waiting.
    if (Request* request = next(more)) {
      carry_out(*request);
    }
    {
      const std::lock_guard lock(mutex_);
      if (ending_ && requests_.empty()) {
        break;
      }
    }
    watch_.look(more ? base::Duration(0) : base::Duration(std::chrono::hours(1)));
  }
  watch_.end(Runner::kLongestEnd);
}

/// Takes the next request; `more` says whether others wait.
Runners::Request* Runners::next(bool& more) {
  const std::lock_guard lock(mutex_);
  Request* request = nullptr;
  if (!requests_.empty()) {
    request = requests_.front();
    requests_.pop_front();
  }
  more = !requests_.empty();
  return request;
}

void Runners::carry_out(Request& request) noexcept {
  std::shared_ptr<RunnerProcess> process;
  std::exception_ptr error;
  try {
    process = watch_.start(request.start);
  } catch (...) {
    error = std::current_exception();
  }
  // Notified with the lock held: the request is gone as soon as start() sees the answer.
  const std::lock_guard lock(mutex_);
  request.process = std::move(process);
  request.error = std::move(error);
  request.done = true;
  request.answered.notify_one();
}

} // namespace projector::plugin
