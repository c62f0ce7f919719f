#include "base/test_point.hpp"

#ifdef PROJECTOR_TEST_POINTS
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace projector::base {
namespace {

struct Armed {
  long countdown = 1;
  std::string action;
};

class TestPoints {
public:
  TestPoints() {
    const char* environment = std::getenv("PROJECTOR_TEST_POINT");
    std::string_view rest = environment == nullptr ? "" : environment;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      arm(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
  }

  /// The action that this visit triggers; nothing if it triggers none.
  std::string visit(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = armed_.find(name);
    if (found == armed_.end() || --found->second.countdown != 0) {
      return {};
    }
    return found->second.action;
  }

private:
  void arm(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) {
      return;
    }
    std::string_view name = text.substr(0, equals);
    Armed armed{1, std::string(text.substr(equals + 1))};
    if (const auto at = name.find('@'); at != std::string_view::npos) {
      std::from_chars(name.data() + at + 1, name.data() + name.size(), armed.countdown);
      name = name.substr(0, at);
    }
    armed_.emplace(std::string(name), std::move(armed));
  }

  std::mutex mutex_;
  std::map<std::string, Armed, std::less<>> armed_;
};

[[noreturn]] void fail(const std::string& error) {
  if (error == "ENOMEM") {
    throw std::bad_alloc();
  }
  throw std::system_error(error == "EMFILE" ? EMFILE : EAGAIN, std::generic_category());
}

void wait_until_removed(const std::string& file) {
  const int fd = ::open(file.c_str(), O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
  if (fd >= 0) {
    ::close(fd);
  }
  while (::access(file.c_str(), F_OK) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

} // namespace

void visit_test_point(const char* name) {
  static TestPoints points;
  const std::string action = points.visit(name);
  if (action == "kill") {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  } else if (action.starts_with("sleep:")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atol(action.c_str() + 6)));
  } else if (action.starts_with("fail:")) {
    fail(action.substr(5));
  } else if (action.starts_with("signal:")) {
    wait_until_removed(action.substr(7));
  }
}

} // namespace projector::base
#endif
