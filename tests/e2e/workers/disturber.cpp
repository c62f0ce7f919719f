#include "disturber.hpp"

#include "support/wait.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

namespace projector::test {

void Disturber::step() {
  resume();
  const std::uint32_t id = pick(workers_.total());
  if (suspended_.count(id) > 0) {
    return;
  }
  if (down_[id]) {
    start(id);
    return;
  }
  ASSERT_TRUE(workers_[id].running()) << "worker " << id << " has ended by itself\n" << workers_[id].log();
  strike(id);
}

void Disturber::let_all_run() {
  eventually([&] {
    resume();
    return suspended_.empty();
  });
  for (std::uint32_t id = 0; id < workers_.total(); ++id) {
    if (down_[id]) {
      start(id);
    }
  }
}

std::uint32_t Disturber::pick(std::uint32_t below) {
  return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
}

Disturber::Blow Disturber::next_blow() {
  if (blows_.empty()) {
    blows_ = {Blow::Stop, Blow::Kill, Blow::Suspend};
    std::shuffle(blows_.begin(), blows_.end(), random_);
  }
  const Blow blow = blows_.back();
  blows_.pop_back();
  return blow;
}

void Disturber::strike(std::uint32_t id) {
  switch (next_blow()) {
  case Blow::Stop: {
    const std::string runs = "runs as " + workers_.host_name(id);
    const int code = workers_[id].stop();
    // A worker that was just started may not handle signals yet.
    EXPECT_TRUE(code == 0 || (code == -SIGTERM && workers_[id].log().find(runs) == std::string::npos))
        << "ended with " << code << "\n"
        << workers_[id].log();
    down_[id] = true;
    ++counts_.stops;
    break;
  }
  case Blow::Kill:
    workers_[id].kill();
    down_[id] = true;
    ++counts_.kills;
    break;
  case Blow::Suspend:
    // The heartbeat comes every second; without one for longer, the worker is as good as dead to everybody else.
    workers_[id].signal(SIGSTOP);
    suspended_[id] = Clock::now() + std::chrono::milliseconds(4000 + pick(2000));
    ++counts_.suspensions;
    break;
  }
}

void Disturber::start(std::uint32_t id) {
  workers_.start(id);
  down_[id] = false;
  ++counts_.starts;
}

void Disturber::resume() {
  for (auto entry = suspended_.begin(); entry != suspended_.end();) {
    if (Clock::now() >= entry->second) {
      workers_[entry->first].signal(SIGCONT);
      entry = suspended_.erase(entry);
    } else {
      ++entry;
    }
  }
}

} // namespace projector::test
