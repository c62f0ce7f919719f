#pragma once

#include "channel/host_end.hpp"
#include "channel/runner_end.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <thread>

namespace projector::channel::test {

/// Only ends a broken test.
inline TimePoint much_later() {
  return std::chrono::steady_clock::now() + std::chrono::minutes(5);
}

/// Without looks of its own, so that a wake-up that is lost is seen.
inline std::chrono::milliseconds only_woken() {
  return std::chrono::hours(1);
}

/// Sends back what it gets, until the channel is closed.
inline void echo(RunnerEnd& runner) {
  std::string copy;
  while (const auto message = runner.receive()) {
    copy = message->bytes;
    if (!runner.send(message->kind, copy)) {
      return;
    }
  }
}

/// The runner's end on a thread, mostly over the host's own mapping. Closes the channel at the end.
class EchoRunner {
public:
  EchoRunner(Memory& memory, HostEnd& host)
      : host_(host), thread_([&memory] {
          RunnerEnd runner(memory);
          echo(runner);
        }) {}
  ~EchoRunner() {
    host_.close();
    thread_.join();
  }
  EchoRunner(const EchoRunner&) = delete;
  EchoRunner& operator=(const EchoRunner&) = delete;

private:
  HostEnd& host_;
  std::thread thread_;
};

/// One call, and what comes back.
inline HostEnd::Received exchange(HostEnd& host, std::uint32_t kind, std::string_view bytes) {
  auto sent = host.send(kind, bytes, much_later());
  return sent.status == HostEnd::Status::Message ? host.receive(much_later()) : sent;
}

/// Passes a random time of at most some microseconds.
inline void dawdle(std::mt19937& random) {
  std::atomic<std::uint32_t> passed = 0;
  for (std::uint32_t left = random() % 10000; left > 0; --left) {
    passed.fetch_add(1, std::memory_order_relaxed);
  }
}

/// Bytes of which no two pieces are the same.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 2654435761U) >> 13U);
  }
  return bytes;
}

} // namespace projector::channel::test
