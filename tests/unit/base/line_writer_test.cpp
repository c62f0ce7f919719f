#include "base/line_writer.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

namespace projector::base {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class LineWriterTest : public testing::Test {
protected:
  LineWriterTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reads_.reset(ends[0]);
    writes_.reset(ends[1]);
    ::fcntl(reads_.get(), F_SETFL, O_NONBLOCK);
  }
  [[nodiscard]] LineWriter::Options options(std::size_t most_bytes = 1u << 20) const {
    LineWriter::Options options;
    options.fd = writes_.get();
    options.most_bytes = most_bytes;
    options.last = std::chrono::milliseconds(10);
    options.dropped = [](std::uint64_t count) { return "dropped " + std::to_string(count) + "\n"; };
    return options;
  }
  void fill() {
    ::fcntl(writes_.get(), F_SETFL, O_NONBLOCK);
    const std::string bytes(4096, '.');
    while (::write(writes_.get(), bytes.data(), bytes.size()) > 0) {
    }
    ::fcntl(writes_.get(), F_SETFL, 0);
  }
  /// Reads until the text read so far ends with `end`.
  std::string read_up_to(const std::string& end) {
    std::string all;
    EXPECT_TRUE(test::eventually([&] {
      std::array<char, 4096> buffer{};
      for (ssize_t n = 0; (n = ::read(reads_.get(), buffer.data(), buffer.size())) > 0;) {
        all.append(buffer.data(), static_cast<std::size_t>(n));
      }
      return all.ends_with(end);
    })) << all;
    return all;
  }

  UniqueFd reads_;
  UniqueFd writes_;
};

TEST_F(LineWriterTest, WritesInOrderAndFlushWaitsForIt) {
  LineWriter writer(options());
  writer.push("one\n");
  writer.push("two\n");
  EXPECT_TRUE(writer.flush(std::chrono::seconds(30)));
  EXPECT_EQ(read_up_to("two\n"), "one\ntwo\n");
}

TEST_F(LineWriterTest, ALineThatIsLongerThanThePipeArrivesWhole) {
  LineWriter writer(options());
  const std::string line = std::string(50000, 'x') + "\n";
  writer.push(line);
  EXPECT_EQ(read_up_to("\n"), line);
}

TEST_F(LineWriterTest, AReaderWhoReadsNothingHoldsNobodyUpAndTheOldestLinesAreDroppedAndCounted) {
  fill();
  LineWriter writer(options(64 * 100 + 100));
  for (int number = 0; number < 10000; ++number) {
    writer.push(std::to_string(number) + "\n");
  }
  EXPECT_FALSE(writer.flush(std::chrono::seconds(30))) << "at once, since the reader reads nothing";
  const auto read = read_up_to("9999\n");
  // If the writer's thread started late, its first line is already a count, and another count follows.
  int count = 0;
  std::size_t rest = 0;
  for (auto at = read.find("dropped "); at != std::string::npos; at = read.find("dropped ", at + 1)) {
    count += std::stoi(read.substr(at + 8));
    rest = read.find('\n', at) + 1;
  }
  ASSERT_GT(rest, 0u) << read;
  const int first = std::stoi(read.substr(rest));
  EXPECT_GT(count, 9800);
  // The thread may have taken one line before the others were dropped.
  EXPECT_TRUE(first == count || first == count + 1) << first << " after " << count;
}

TEST_F(LineWriterTest, EndsThoughNobodyReads) {
  fill();
  std::optional<LineWriter> writer(options());
  writer->push("never read\n");
  writer.reset();
  read_up_to("never read\n"); // so that the thread of the destroyed writer no longer uses the pipe
}

TEST_F(LineWriterTest, AReaderThatIsGoneIsNoTrouble) {
  LineWriter writer(options());
  reads_.reset();
  writer.push("into nothing\n");
  EXPECT_TRUE(writer.flush(std::chrono::seconds(30)));
}

TEST_F(LineWriterTest, TheLogsLevelCanBeChangedAndWhatIsLeftIsWrittenAtTheEnd) {
  const auto before = spdlog::default_logger();
  {
    const LogThread log("info", writes_.get());
    spdlog::debug("not shown");
    spdlog::set_level(spdlog::level::debug);
    spdlog::debug("shown");
    spdlog::set_level(spdlog::level::warn);
    spdlog::info("not shown");
    spdlog::warn("the end");
  }
  const auto lines = read_up_to("the end\n");
  EXPECT_THAT(lines, HasSubstr(" debug shown\n"));
  EXPECT_THAT(lines, HasSubstr(" warning the end\n"));
  EXPECT_THAT(lines, Not(HasSubstr("not shown")));
  EXPECT_THAT(lines, StartsWith("2"));
  spdlog::set_default_logger(before);
}

} // namespace
} // namespace projector::base
