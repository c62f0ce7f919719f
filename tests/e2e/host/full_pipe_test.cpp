#include "host_test.hpp"

#include "base/unique_fd.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <signal.h>
#include <string>

namespace projector::test {
namespace {

/// A full pipe without a reader.
class FullPipe {
public:
  FullPipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reads_.reset(ends[0]);
    writes_.reset(ends[1]);
    const std::string bytes(4096, '.');
    while (::write(writes_.get(), bytes.data(), bytes.size()) > 0) {
    }
    ::fcntl(writes_.get(), F_SETFL, 0);
  }
  [[nodiscard]] int fd() const { return writes_.get(); }
  std::string read_all() {
    std::string all;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(reads_.get(), buffer.data(), buffer.size())) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return all;
  }

private:
  base::UniqueFd reads_;
  base::UniqueFd writes_;
};

TEST(FullPipe, ALogThatNobodyReadsHoldsUpNeitherBatchesNorChangesNorTheEnd) {
  const std::string dsn = store_with_events(50);
  FullPipe pipe;
  HostProcess host(dsn);
  host.log_into(pipe.fd());
  host.install_plugin("recorder");
  host.start();
  EXPECT_TRUE(becomes(dsn, state_of("recorder"), "live"));
  host.install_plugin("noop");
  EXPECT_TRUE(becomes(dsn, state_of("noop"), "live"));
  EventWriters(dsn, {.writers = 2, .events = 100, .seed = 9}).join();
  EXPECT_TRUE(eventually([&] { return read_model_difference(dsn, "recorder", "recorder") == 0; }));
  host.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !host.running(); }));
  EXPECT_EQ(host.wait(), 0);
}

TEST(FullPipe, WhatWasKeptIsWrittenOnceSomebodyReads) {
  const std::string dsn = store_with_events(0);
  FullPipe pipe;
  HostProcess host(dsn);
  host.log_into(pipe.fd());
  host.install_plugin("recorder");
  host.start();
  EXPECT_TRUE(becomes(dsn, state_of("recorder"), "live"));
  std::string log;
  EXPECT_TRUE(eventually([&] {
    log += pipe.read_all();
    return log.find("recorder: runs recorder") != std::string::npos;
  })) << log;
  EXPECT_EQ(host.stop(), 0);
}

} // namespace
} // namespace projector::test
