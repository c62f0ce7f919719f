#include "runner/landlock.hpp"

#include "sandboxed.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

namespace projector::runner::test {
namespace {

TEST(LandlockRights, GrowWithTheAbi) {
  EXPECT_EQ(landlock_rights(1, false).files, 0x1fffU);
  EXPECT_EQ(landlock_rights(2, false).files, 0x3fffU);
  EXPECT_EQ(landlock_rights(3, false).files, 0x7fffU);
  EXPECT_EQ(landlock_rights(4, false).files, 0x7fffU);
  EXPECT_EQ(landlock_rights(5, false).files, 0xffffU);
  EXPECT_EQ(landlock_rights(3, false).network, 0U);
  EXPECT_EQ(landlock_rights(4, false).network, 3U);
  EXPECT_EQ(landlock_rights(4, true).network, 0U);
  EXPECT_EQ(landlock_rights(5, false).scopes, 0U);
  EXPECT_EQ(landlock_rights(6, false).scopes, 3U);
  EXPECT_EQ(landlock_rights(7, true).scopes, 2U);
}

class Landlock : public testing::TestWithParam<int> {
protected:
  /// What `attempt` answers under Landlock alone, by the rights of the ABI.
  std::string restricted(const std::function<std::string()>& attempt) const {
    LandlockRules rules;
    rules.writable = {directories_.state("")};
    return in_child([&]() -> std::string {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      const int error = restrict_to(rules, GetParam());
      return error == 0 ? attempt() : "not restricted";
    });
  }
  [[nodiscard]] bool kernel_has_it() const { return landlock_works() && landlock_abi() >= GetParam(); }

  Directories directories_;
};

TEST_P(Landlock, LimitsFilesByEveryAbi) {
  if (!kernel_has_it()) {
    GTEST_SKIP() << "needs Landlock";
  }
  EXPECT_EQ(restricted([&] { return open_file(directories_.foreign("secret"), O_RDONLY); }), "EACCES");
  EXPECT_EQ(restricted([&] { return open_file(directories_.state("old"), O_RDWR | O_TRUNC); }), "ok");
}

TEST_P(Landlock, LetsFilesMoveBetweenDirectoriesFromAbi2) {
  if (!kernel_has_it()) {
    GTEST_SKIP() << "needs Landlock";
  }
  const auto move = [&] {
    std::filesystem::create_directory(directories_.state("below"));
    return outcome(::rename(directories_.state("old").c_str(), directories_.state("below/new").c_str()) == 0);
  };
  EXPECT_EQ(restricted(move), GetParam() >= 2 ? "ok" : "EXDEV");
}

TEST_P(Landlock, NoticesTruncationFromAbi3) {
  if (!kernel_has_it()) {
    GTEST_SKIP() << "needs Landlock";
  }
  EXPECT_EQ(restricted([&] { return outcome(::truncate(directories_.foreign("secret").c_str(), 0) == 0); }),
            GetParam() >= 3 ? "EACCES" : "ok");
}

TEST_P(Landlock, RefusesConnectionsFromAbi4) {
  if (!kernel_has_it()) {
    GTEST_SKIP() << "needs Landlock";
  }
  const auto connect = [] {
    sockaddr_in nobody{};
    nobody.sin_family = AF_INET;
    nobody.sin_port = htons(1);
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return outcome(::connect(socket, reinterpret_cast<const sockaddr*>(&nobody), sizeof(nobody)) == 0);
  };
  EXPECT_EQ(restricted(connect), GetParam() >= 4 ? "EACCES" : "ECONNREFUSED");
}

TEST_P(Landlock, RefusesSignalsFromAbi6) {
  if (!kernel_has_it()) {
    GTEST_SKIP() << "needs Landlock";
  }
  EXPECT_EQ(restricted([] { return outcome(::kill(::getppid(), 0) == 0); }), GetParam() >= 6 ? "EPERM" : "ok");
}

INSTANTIATE_TEST_SUITE_P(Abi, Landlock, testing::Range(1, kNewestLandlockAbi + 1), testing::PrintToStringParamName());

} // namespace
} // namespace projector::runner::test
