#include "channel/log_line.hpp"
#include "channel/log_sender.hpp"

#include <gtest/gtest.h>
#include <projector/plugin.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace projector::channel {
namespace {

class ChannelLog : public testing::Test {
protected:
  ChannelLog() {
    int ends[2];
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    host_.reset(ends[0]);
    runner_ = ends[1];
    sender_.emplace(base::UniqueFd(ends[1]), dropped_);
  }

  void send_packet(std::string_view packet) const {
    EXPECT_EQ(::send(runner_, packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
  }
  [[nodiscard]] LogLine receive() const { return receive_log_line(host_.get()); }

  base::UniqueFd host_;
  int runner_ = -1;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::optional<LogSender> sender_;
};

TEST_F(ChannelLog, LinesArriveInOrder) {
  sender_->send(PROJECTOR_LOG_INFO, "first");
  sender_->send(PROJECTOR_LOG_ERROR, "");
  sender_->send(PROJECTOR_LOG_DEBUG, std::string_view("a\0b", 3));
  const LogLine first = receive();
  EXPECT_EQ(first.status, LogLine::Status::Line);
  EXPECT_EQ(first.level, PROJECTOR_LOG_INFO);
  EXPECT_EQ(first.text, "first");
  const LogLine second = receive();
  EXPECT_EQ(second.level, PROJECTOR_LOG_ERROR);
  EXPECT_EQ(second.text, "");
  EXPECT_EQ(receive().text, std::string("a\0b", 3));
  EXPECT_EQ(receive().status, LogLine::Status::Nothing);
  EXPECT_EQ(dropped_, 0U);
}

TEST_F(ChannelLog, ALongLineIsCut) {
  sender_->send(PROJECTOR_LOG_WARN, std::string(100000, 'x'));
  EXPECT_EQ(receive().text, std::string(kLongestLogLine, 'x'));
}

TEST_F(ChannelLog, LinesThatFindNoRoomAreCounted) {
  constexpr std::uint64_t kLines = 5000;
  for (std::uint64_t i = 0; i < kLines; ++i) {
    errno = 77;
    sender_->send(PROJECTOR_LOG_INFO, std::string(1000, 'x'));
    ASSERT_EQ(errno, 77);
  }
  std::uint64_t received = 0;
  while (receive().status == LogLine::Status::Line) {
    ++received;
  }
  EXPECT_GT(received, 0U);
  EXPECT_GT(dropped_, 0U);
  EXPECT_EQ(received + dropped_, kLines);
}

TEST_F(ChannelLog, ManyThreadsSendWholeLines) {
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    threads.emplace_back([this, letter] {
      for (int i = 0; i < 1000; ++i) {
        sender_->send(PROJECTOR_LOG_INFO, std::string(50, letter));
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  std::uint64_t received = 0;
  for (LogLine line = receive(); line.status == LogLine::Status::Line; line = receive()) {
    EXPECT_EQ(line.text, std::string(50, line.text.front()));
    ++received;
  }
  EXPECT_EQ(received + dropped_, 4000U);
}

TEST_F(ChannelLog, PacketsThatAreNoLinesAreMalformed) {
  for (const std::string& packet :
       {std::string("abc"), std::string("\0\0\0\0text", 8), std::string("\5\0\0\0text", 8),
        std::string("\xFF\xFF\xFF\xFF"), std::string("\2\0\0\0", 4) + std::string(kLongestLogLine + 1, 'x')}) {
    send_packet(packet);
    const LogLine line = receive();
    EXPECT_EQ(line.status, LogLine::Status::Malformed);
    EXPECT_EQ(line.text, "");
  }
  sender_->send(PROJECTOR_LOG_INFO, "goes on");
  EXPECT_EQ(receive().text, "goes on");
}

TEST_F(ChannelLog, TheEndComesAfterTheLastLine) {
  sender_->send(PROJECTOR_LOG_INFO, "last");
  sender_.reset();
  EXPECT_EQ(receive().text, "last");
  EXPECT_EQ(receive().status, LogLine::Status::Ended);
}

TEST_F(ChannelLog, ASenderWithoutAHostDropsAndLivesOn) {
  host_.reset();
  sender_->send(PROJECTOR_LOG_INFO, "nobody");
  EXPECT_EQ(dropped_, 1U);
}

} // namespace
} // namespace projector::channel
