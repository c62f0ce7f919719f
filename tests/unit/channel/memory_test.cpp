#include "channel/memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <projector/plugin.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

namespace projector::channel {
namespace {

std::string refusal(int fd) {
  try {
    Memory::open(fd);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "opened";
}

TEST(ChannelMemory, NobodyCanResizeIt) {
  const auto memory = Memory::create();
  const int fd = memory->descriptor();
  for (const off_t size : {0, 1, 4096, 1 << 28}) {
    EXPECT_EQ(::ftruncate(fd, size), -1);
    EXPECT_EQ(errno, EPERM);
  }
  EXPECT_EQ(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(::fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(ChannelMemory, TakesPagesOnlyWhereItIsWritten) {
  MemoryOptions options;
  options.to_host_size = 1U << 30;
  const auto memory = Memory::create(options);
  memory->to_host()[options.to_host_size - 1] = 'x';
  const auto blocks = [&] {
    struct stat status = {};
    ::fstat(memory->descriptor(), &status);
    return status.st_blocks;
  };
  EXPECT_LT(blocks() * 512, 1 << 23);
}

TEST(ChannelMemory, IsNeitherInCoreFilesNorInChildrenOfTheHost) {
  const auto memory = Memory::create();
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  while (std::getline(maps, line) && line.find("memfd:projectord channel") == std::string::npos) {
  }
  while (std::getline(maps, line) && line.rfind("VmFlags:", 0) != 0) {
  }
  EXPECT_NE(line.find(" dd"), std::string::npos) << line;
  EXPECT_NE(line.find(" dc"), std::string::npos) << line;
}

TEST(ChannelMemory, TheRunnerFindsWhatTheHostChose) {
  const auto host = Memory::create({5000, 70000, 17, 99});
  const auto runner = Memory::open(host->descriptor());
  EXPECT_EQ(runner->options().to_runner_size, 5000U);
  EXPECT_EQ(runner->options().to_host_size, 70000U);
  EXPECT_EQ(runner->options().first_turn, 17U);
  EXPECT_EQ(runner->options().most_accepted, 99U);
  EXPECT_EQ(runner->descriptor(), -1);
  host->to_runner()[4999] = 'a';
  runner->to_host()[69999] = 'b';
  EXPECT_EQ(runner->to_runner()[4999], 'a');
  EXPECT_EQ(host->to_host()[69999], 'b');
}

TEST(ChannelMemory, StaysWhenTheDescriptorIsClosed) {
  const auto host = Memory::create();
  const auto runner = Memory::open(host->descriptor());
  host->close_descriptor();
  EXPECT_EQ(host->descriptor(), -1);
  host->set_stopping(true);
  EXPECT_TRUE(runner->stopping());
}

TEST(ChannelMemory, StoppingIsSeenAndTakenBack) {
  const auto host = Memory::create();
  const auto runner = Memory::open(host->descriptor());
  EXPECT_FALSE(runner->stopping());
  host->set_stopping(true);
  EXPECT_TRUE(runner->stopping());
  host->set_stopping(false);
  EXPECT_FALSE(runner->stopping());
}

TEST(ChannelMemory, TheCurrentEventIsWhatThePluginWrote) {
  const auto host = Memory::create();
  const auto runner = Memory::open(host->descriptor());
  EXPECT_EQ(host->read_current(), PROJECTOR_NO_EVENT);
  *runner->current() = 7;
  EXPECT_EQ(host->read_current(), 7U);
  host->clear_current();
  EXPECT_EQ(host->read_current(), PROJECTOR_NO_EVENT);
}

TEST(ChannelMemory, TheFirstCrashIsKept) {
  const auto host = Memory::create();
  const auto runner = Memory::open(host->descriptor());
  EXPECT_FALSE(host->crash());
  const Crash first = {11, 1, 0xdeadbeef, 0x7f0000001234, 0x1234};
  runner->record_crash(first);
  runner->record_crash({6, -6, 0, 0, Crash::kOutside});
  EXPECT_EQ(host->crash(), first);
}

TEST(ChannelMemory, ACrashThatIsHalfWrittenIsNone) {
  const auto host = Memory::create();
  host->header().crash.signal = 11;
  host->header().crash.state = 1;
  EXPECT_FALSE(host->crash());
}

TEST(ChannelMemory, ARunnerOfAnotherBuildNamesBoth) {
  const auto host = Memory::create();
  std::strcpy(host->header().host_build, "9.9.9, layout 77");
  EXPECT_EQ(refusal(host->descriptor()), "the host is of build 9.9.9, layout 77, this runner of build " +
                                             std::string(kBuildId) + ": restart projectord after an upgrade");
  std::memset(host->header().host_build, 'x', kBuildIdSize);
  EXPECT_NE(refusal(host->descriptor()).find(std::string(kBuildIdSize, 'x') + ","), std::string::npos);
}

TEST(ChannelMemory, WhatIsNoChannelIsNotOpened) {
  const base::UniqueFd small(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_NE(refusal(small.get()).find("is no channel: it has 0 bytes"), std::string::npos);
  EXPECT_NE(refusal(-1).find("cannot open the memory of a channel"), std::string::npos);
  for (const std::uint32_t size : {0U, 1U, 1U << 21, UINT32_MAX}) {
    const auto host = Memory::create();
    host->header().to_host_size = size;
    EXPECT_NE(refusal(host->descriptor()).find("do not fit"), std::string::npos);
  }
}

TEST(ChannelMemory, AnAreaHasAtLeastOneByteAndAtMostOneGibibyte) {
  EXPECT_NO_THROW(Memory::create({1, 1}));
  EXPECT_THROW(Memory::create({0, 1}), std::invalid_argument);
  EXPECT_THROW(Memory::create({1, 0}), std::invalid_argument);
  EXPECT_THROW(Memory::create({1, (1U << 30) + 1}), std::invalid_argument);
}

} // namespace
} // namespace projector::channel
