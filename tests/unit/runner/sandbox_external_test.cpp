#include "base/unique_fd.hpp"
#include "sandboxed.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace projector::runner::test {
namespace {

/// Sockets that the test listens on; they connect without anybody who accepts.
class Listeners {
public:
  Listeners() {
    unix_address_.sun_family = AF_UNIX;
    directories_.foreign("socket").copy(unix_address_.sun_path, sizeof(unix_address_.sun_path) - 1);
    unix_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(unix_.get(), reinterpret_cast<const sockaddr*>(&unix_address_), sizeof(unix_address_)), 0);
    EXPECT_EQ(::listen(unix_.get(), 5), 0);
    inet_address_.sin_family = AF_INET;
    inet_address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    inet_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(inet_.get(), reinterpret_cast<const sockaddr*>(&inet_address_), sizeof(inet_address_)), 0);
    EXPECT_EQ(::listen(inet_.get(), 5), 0);
    socklen_t size = sizeof(inet_address_);
    EXPECT_EQ(::getsockname(inet_.get(), reinterpret_cast<sockaddr*>(&inet_address_), &size), 0);
  }
  [[nodiscard]] const Directories& directories() const { return directories_; }
  [[nodiscard]] bool connect_unix() const { return connect(AF_UNIX, &unix_address_, sizeof(unix_address_)); }
  [[nodiscard]] bool connect_inet() const { return connect(AF_INET, &inet_address_, sizeof(inet_address_)); }

private:
  static bool connect(int family, const void* address, socklen_t size) {
    const base::UniqueFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return socket && ::connect(socket.get(), static_cast<const sockaddr*>(address), size) == 0;
  }

  Directories directories_;
  sockaddr_un unix_address_{};
  sockaddr_in inet_address_{};
  base::UniqueFd unix_;
  base::UniqueFd inet_;
};

bool resolve_localhost() {
  addrinfo* found = nullptr;
  const int result = ::getaddrinfo("localhost", "80", nullptr, &found);
  return result == 0 && found != nullptr;
}

bool own_sockets() {
  int ends[2];
  char byte = 'x';
  const int value = 1;
  return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 &&
         ::send(ends[0], &byte, 1, MSG_NOSIGNAL) == 1 && ::recv(ends[1], &byte, 1, 0) == 1 &&
         ::setsockopt(ends[0], SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)) == 0 &&
         ::shutdown(ends[0], SHUT_WR) == 0;
}

struct ExternalAttempt {
  const char* name;
  const char* expected;
  bool (*attempt)(const Listeners&);
};

constexpr ExternalAttempt kAttempts[] = {
    {"connect_unix", "ok", [](const Listeners& to) { return to.connect_unix(); }},
    {"connect_inet", "ok", [](const Listeners& to) { return to.connect_inet(); }},
    {"socket_inet6", "ok",
     [](const Listeners&) { return ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT; }},
    {"getaddrinfo", "ok", [](const Listeners&) { return resolve_localhost(); }},
    {"socketpair", "ok", [](const Listeners&) { return own_sockets(); }},
    {"certificates", "ok",
     [](const Listeners&) { return ::access("/etc/ssl/certs", F_OK) != 0 || ::open("/etc/ssl/certs", O_RDONLY) >= 0; }},
    {"private_keys", "EACCES",
     [](const Listeners&) {
       errno = EACCES;
       return ::access("/etc/ssl/private", F_OK) == 0 && ::open("/etc/ssl/private", O_RDONLY) >= 0;
     }},
    {"shadow", "EACCES", [](const Listeners&) { return ::open("/etc/shadow", O_RDONLY) >= 0; }},
    {"listen", "EPERM", [](const Listeners&) { return ::listen(::socket(AF_INET, SOCK_STREAM, 0), 1) == 0; }},
    {"socket_raw", "EPERM", [](const Listeners&) { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0; }},
    {"socket_packet", "EPERM", [](const Listeners&) { return ::socket(AF_PACKET, SOCK_DGRAM, 0) >= 0; }},
    {"socket_netlink", "EPERM", [](const Listeners&) { return ::socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }},
    {"fork", "EPERM",
     [](const Listeners&) {
       const pid_t child = ::fork();
       if (child == 0) {
         ::_exit(0);
       }
       return child > 0;
     }},
    {"system", "EPERM", [](const Listeners&) { return std::system("true") == 0; }},
    {"execve", "EPERM", [](const Listeners&) { return ::execl("/bin/true", "true", nullptr) == 0; }},
    {"ptrace", "EPERM", [](const Listeners&) { return ::ptrace(PTRACE_SEIZE, ::getppid(), nullptr, nullptr) == 0; }},
    {"kill", "EPERM", [](const Listeners&) { return ::kill(::getppid(), 0) == 0; }},
};

class ExternalSandbox : public testing::TestWithParam<ExternalAttempt> {};

TEST_P(ExternalSandbox, HasSocketsOnly) {
  if (with_sanitizer() || !seccomp_works() || !landlock_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp, Landlock";
  }
  const Listeners listeners;
  auto options = listeners.directories().options();
  options.external = true;
  EXPECT_EQ(in_sandbox(options, [&] { return outcome(GetParam().attempt(listeners)); }), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Each, ExternalSandbox, testing::ValuesIn(kAttempts),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
} // namespace projector::runner::test
