#include "base/line_writer.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>

namespace projector::base {
namespace {

/// A reader that has read nothing for this long counts as blocking the thread.
constexpr int kStalledMilliseconds = 50;
/// Memory that a line takes in addition to its characters.
constexpr std::size_t kOverhead = 64;

bool writable(int fd, int milliseconds) {
  pollfd wait{fd, POLLOUT, 0};
  return ::poll(&wait, 1, milliseconds) != 0;
}

} // namespace

struct LineWriter::Shared {
  explicit Shared(Options wanted) : options(std::move(wanted)) {}

  /// The next line to write; empty when the end was requested and none is left.
  std::string take();
  void write(std::string_view line);
  void set_stalled(bool value);

  const Options options;
  std::mutex mutex; ///< guards all members below
  std::condition_variable changed;
  std::deque<std::string> lines;
  std::size_t bytes = 0;
  std::uint64_t dropped = 0;
  bool writing = false;
  bool stalled = false;
  bool ending = false;
  bool ended = false;
};

LineWriter::LineWriter(Options options) : shared_(std::make_shared<Shared>(std::move(options))) {
  // Signals are handled by other threads; without this, one could be delivered here.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([shared = shared_] { run(*shared); });
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LineWriter::~LineWriter() {
  std::unique_lock lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_all();
  const bool ended = shared_->changed.wait_for(lock, shared_->options.last, [this] { return shared_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LineWriter::push(std::string line) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->ending) {
    return;
  }
  shared_->bytes += line.size() + kOverhead;
  shared_->lines.push_back(std::move(line));
  while (shared_->bytes > shared_->options.most_bytes && shared_->lines.size() > 1) {
    shared_->bytes -= shared_->lines.front().size() + kOverhead;
    shared_->lines.pop_front();
    ++shared_->dropped;
  }
  shared_->changed.notify_all();
}

bool LineWriter::flush(base::Duration limit) {
  std::unique_lock lock(shared_->mutex);
  const auto done = [this] { return shared_->lines.empty() && shared_->dropped == 0 && !shared_->writing; };
  shared_->changed.wait_for(lock, limit, [&] { return done() || shared_->stalled || shared_->ended; });
  return done();
}

void LineWriter::run(Shared& shared) {
  for (std::string line = shared.take(); !line.empty(); line = shared.take()) {
    shared.write(line);
  }
}

std::string LineWriter::Shared::take() {
  std::unique_lock lock(mutex);
  writing = false;
  changed.notify_all();
  changed.wait(lock, [this] { return !lines.empty() || dropped > 0 || ending; });
  if (lines.empty() && dropped == 0) {
    ended = true;
    changed.notify_all();
    return {};
  }
  writing = true;
  if (dropped > 0) {
    const auto count = std::exchange(dropped, 0);
    lock.unlock();
    return options.dropped(count);
  }
  std::string line = std::move(lines.front());
  lines.pop_front();
  bytes -= line.size() + kOverhead;
  return line;
}

/// A pipe that poll reports as writable takes PIPE_BUF bytes at once. If the descriptor is closed, the line is dropped.
void LineWriter::Shared::write(std::string_view line) {
  while (!line.empty()) {
    if (!writable(options.fd, kStalledMilliseconds)) {
      set_stalled(true);
      while (!writable(options.fd, -1)) {
      }
      set_stalled(false);
    }
    const ssize_t written = ::write(options.fd, line.data(), std::min<std::size_t>(line.size(), PIPE_BUF));
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
      return;
    }
    line.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

void LineWriter::Shared::set_stalled(bool value) {
  const std::lock_guard lock(mutex);
  stalled = value;
  changed.notify_all();
}

} // namespace projector::base
