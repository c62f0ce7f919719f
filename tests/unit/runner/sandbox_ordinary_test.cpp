#include "sandboxed.hpp"

#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <future>
#include <locale>
#include <mutex>
#include <random>
#include <regex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace projector::runner::test {
namespace {

namespace fs = std::filesystem;

std::string verdict(bool right) {
  return right ? "ok" : "wrong";
}

std::string many_threads(const Directories&) {
  int sum = 0;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int number = 1; number <= 8; ++number) {
    threads.emplace_back([&, number] {
      const std::lock_guard lock(mutex);
      sum += number;
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  return verdict(sum == 36 && std::async(std::launch::async, [] { return 7; }).get() == 7);
}

std::string threads_know_errors(const Directories&) {
  std::string seen;
  std::thread([&] { seen = open_file("/etc/shadow", O_RDONLY); }).join();
  std::thread([&] { seen += outcome(::kill(::getppid(), 0) == 0); }).join();
  return verdict(seen == "EACCESEPERM" || seen == "okEPERM");
}

std::string a_regex(const Directories&) {
  return verdict(std::regex_match("order-17", std::regex("[a-z]+-([0-9]+)")));
}

std::string a_locale(const Directories&) {
  const std::locale locale("C.UTF-8");
  return verdict(locale.name() == "C.UTF-8" && ::setlocale(LC_ALL, "C.UTF-8") != nullptr);
}

std::string a_time_zone(const Directories&) {
  ::setenv("TZ", "Europe/Berlin", 1);
  ::tzset();
  const std::time_t moment = 1'700'000'000; // 2023-11-14T22:13:20Z
  std::tm local{};
  ::localtime_r(&moment, &local);
  return verdict(local.tm_hour == 23 && local.tm_gmtoff == 3600);
}

std::string random_bytes(const Directories&) {
  std::array<char, 16> bytes{};
  std::random_device device;
  return verdict(::getrandom(bytes.data(), bytes.size(), 0) == 16 && device() + 1U != device());
}

std::string an_exception(const Directories&) {
  try {
    throw std::runtime_error("text");
  } catch (const std::exception& error) {
    return verdict(std::string(error.what()) == "text");
  }
}

std::string much_memory(const Directories&) {
  constexpr std::size_t kSize = 200UL << 20U;
  auto* memory = static_cast<char*>(std::malloc(kSize));
  if (memory == nullptr) {
    return outcome(false);
  }
  for (std::size_t at = 0; at < kSize; at += 4096) {
    memory[at] = 1;
  }
  memory = static_cast<char*>(std::realloc(memory, 2 * kSize));
  const bool kept = memory != nullptr && memory[kSize - 4096] == 1;
  std::free(memory);
  return verdict(kept);
}

std::string memory_calls(const Directories&) {
  void* memory = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(memory != MAP_FAILED && ::madvise(memory, 8192, MADV_DONTNEED) == 0 &&
                 ::mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0 &&
                 ::mremap(memory, 8192, 4096, MREMAP_MAYMOVE) != MAP_FAILED);
}

std::string a_durable_file(const Directories& in) {
  const int fd = ::open(in.state("new.tmp").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const int directory = ::open(in.state("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct flock range {};
  range.l_type = F_WRLCK;
  return outcome(fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fcntl(fd, F_SETLK, &range) == 0 &&
                 ::write(fd, "line\n", 5) == 5 && ::fsync(fd) == 0 && ::fdatasync(fd) == 0 && ::ftruncate(fd, 4) == 0 &&
                 ::fallocate(fd, 0, 0, 4096) == 0 && ::fchmod(fd, 0640) == 0 && ::futimens(fd, nullptr) == 0 &&
                 ::rename(in.state("new.tmp").c_str(), in.state("new").c_str()) == 0 && ::fsync(directory) == 0 &&
                 ::unlink(in.state("new").c_str()) == 0);
}

std::string a_filesystem_library(const Directories& in) {
  fs::create_directories(in.state("a/b"));
  fs::copy_file(in.state("old"), in.state("a/b/copy"));
  fs::rename(in.state("a/b/copy"), in.state("a/moved"));
  fs::create_symlink("moved", in.state("a/link"));
  const auto size = fs::file_size(in.state("a/link"));
  fs::current_path(in.state("a"));
  std::string text;
  std::ifstream("moved") >> text;
  const auto removed = fs::remove_all(in.state("a"));
  return verdict(size == 4 && text == "text" && removed == 4);
}

std::string a_mapped_file(const Directories& in) {
  const int fd = ::open(in.state("old").c_str(), O_RDWR | O_CLOEXEC);
  void* memory = ::mmap(nullptr, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return outcome(memory != MAP_FAILED && ::msync(memory, 4, MS_SYNC) == 0);
}

std::string a_sleep(const Directories&) {
  std::this_thread::sleep_for(std::chrono::microseconds(1));
  const timespec soon{0, 1};
  return verdict(::clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, nullptr) == 0);
}

std::string waiting_calls(const Directories&) {
  const int event = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  itimerspec soon{};
  soon.it_value.tv_nsec = 1;
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  epoll_event seen{};
  return outcome(
      ::timerfd_settime(timer, 0, &soon, nullptr) == 0 && ::epoll_ctl(poller, EPOLL_CTL_ADD, timer, &wanted) == 0 &&
      ::epoll_ctl(poller, EPOLL_CTL_ADD, event, &wanted) == 0 && ::epoll_wait(poller, &seen, 1, 60'000) == 1);
}

std::string scheduling(const Directories&) {
  cpu_set_t processors;
  sched_param parameter{};
  return outcome(::sched_yield() == 0 && ::sched_getaffinity(0, sizeof(processors), &processors) == 0 &&
                 ::sched_setaffinity(0, sizeof(processors), &processors) == 0 &&
                 ::sched_setscheduler(0, SCHED_OTHER, &parameter) == 0 && std::thread::hardware_concurrency() > 0);
}

std::string names(const Directories&) {
  std::string name;
  std::thread([&] {
    std::array<char, 16> bytes{};
    ::prctl(PR_SET_NAME, "first");
    ::pthread_setname_np(::pthread_self(), "second");
    ::prctl(PR_GET_NAME, bytes.data());
    name = bytes.data();
  }).join();
  return verdict(name == "second");
}

volatile std::sig_atomic_t caught = 0;

std::string signals_to_itself(const Directories&) {
  std::signal(SIGUSR1, [](int) { caught = caught + 1; });
  ::raise(SIGUSR1);
  ::kill(::getpid(), SIGUSR1);
  return verdict(caught == 2);
}

std::string standard_output(const Directories&) {
  std::printf("%s", "");
  return verdict(std::fflush(stdout) == 0 && (::isatty(STDOUT_FILENO) == 1 || errno != EPERM));
}

struct Ordinary {
  const char* name;
  std::string (*attempt)(const Directories&);
};

constexpr Ordinary kOrdinary[] = {{"many_threads", many_threads},
                                  {"threads_know_errors", threads_know_errors},
                                  {"a_regex", a_regex},
                                  {"a_locale", a_locale},
                                  {"a_time_zone", a_time_zone},
                                  {"random_bytes", random_bytes},
                                  {"an_exception", an_exception},
                                  {"much_memory", much_memory},
                                  {"memory_calls", memory_calls},
                                  {"a_durable_file", a_durable_file},
                                  {"a_filesystem_library", a_filesystem_library},
                                  {"a_mapped_file", a_mapped_file},
                                  {"a_sleep", a_sleep},
                                  {"waiting_calls", waiting_calls},
                                  {"scheduling", scheduling},
                                  {"names", names},
                                  {"signals_to_itself", signals_to_itself},
                                  {"standard_output", standard_output}};

class SandboxAllows : public testing::TestWithParam<Ordinary> {};

TEST_P(SandboxAllows, OrdinaryCode) {
  if (with_sanitizer()) {
    GTEST_SKIP() << "needs no sanitizer";
  }
  const Directories directories;
  auto options = directories.options();
  EXPECT_EQ(in_sandbox(options, [&] { return GetParam().attempt(directories); }), "ok");
  options.external = true;
  EXPECT_EQ(in_sandbox(options, [&] { return GetParam().attempt(directories); }), "ok") << "as EXTERNAL";
}

INSTANTIATE_TEST_SUITE_P(Each, SandboxAllows, testing::ValuesIn(kOrdinary),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
} // namespace projector::runner::test
