#include "projection/host_identity.hpp"

#include "base/clean_text.hpp"
#include "base/fnv1a.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>

namespace projector::projection {
namespace {

constexpr std::size_t kLongestMachine = 100;

/// Fields of /proc/PID/stat after the command's name, which may hold blanks and parentheses.
struct ProcessStat {
  char state = 0;
  std::uint64_t started = 0; ///< clock ticks since boot
};

std::optional<ProcessStat> read_stat(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const auto end = line.rfind(')');
  if (end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream rest(line.substr(end + 1));
  ProcessStat stat;
  std::string skipped;
  rest >> stat.state;
  for (int field = 4; field < 22; ++field) {
    rest >> skipped;
  }
  rest >> stat.started;
  return rest ? std::optional(stat) : std::nullopt;
}

/// Whether /proc is of this process's own pid namespace, so that the numbers in it are ours.
bool own_proc() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self", error).string() == std::to_string(::getpid());
}

std::string namespace_of(const char* kind) {
  std::error_code error;
  return std::filesystem::read_symlink(fmt::format("/proc/self/ns/{}", kind), error).string();
}

/// /proc gives the start times of processes in the reader's time namespace, so that namespace is part of the place.
std::string place_of_this_process() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  const auto pids = namespace_of("pid");
  if (boot.empty() || pids.empty() || !own_proc()) {
    // Unknown: a place that no other process has.
    std::random_device random;
    return fmt::format("{:08x}", random());
  }
  return fmt::format("{:08x}", base::fnv1a32(boot + " " + pids + " " + namespace_of("time")));
}

} // namespace

std::string HostIdentity::text() const {
  return fmt::format("{}/{}-{}/{}", machine, place, started, pid);
}

std::optional<HostIdentity> HostIdentity::parse(std::string_view text) {
  const auto pid_at = text.rfind('/');
  if (pid_at == std::string_view::npos || pid_at == 0) {
    return std::nullopt;
  }
  const auto place_at = text.rfind('/', pid_at - 1);
  if (place_at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto middle = text.substr(place_at + 1, pid_at - place_at - 1);
  const auto dash = middle.find('-');
  HostIdentity identity;
  const auto digits = text.substr(pid_at + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), identity.pid);
  if (dash == std::string_view::npos || error != std::errc{} || end != digits.data() + digits.size() ||
      identity.pid <= 0) {
    return std::nullopt;
  }
  identity.machine = text.substr(0, place_at);
  identity.place = middle.substr(0, dash);
  identity.started = middle.substr(dash + 1);
  return identity;
}

HostIdentity HostIdentity::of_process(pid_t pid) {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  const auto stat = read_stat(pid);
  return {.machine = base::clean_text(name.data(), kLongestMachine),
          .place = place_of_this_process(),
          .started = fmt::format("{:x}", stat ? stat->started : 0),
          .pid = pid};
}

HostIdentity HostIdentity::of_this_process() {
#ifdef PROJECTOR_TEST_POINTS
  if (const char* wanted = std::getenv("PROJECTOR_TEST_IDENTITY")) {
    if (auto identity = parse(wanted)) {
      return *identity;
    }
  }
#endif
  return of_process(::getpid());
}

bool has_ended(std::string_view other, std::string_view own) {
  const auto theirs = HostIdentity::parse(other);
  const auto ours = HostIdentity::parse(own);
  if (!theirs || !ours || theirs->place != ours->place) {
    return false;
  }
  if (::kill(theirs->pid, 0) != 0 && errno == ESRCH) {
    return true;
  }
  // Another process may have this pid by now. Where /proc hides that, the host counts as running.
  const auto stat = own_proc() ? read_stat(theirs->pid) : std::nullopt;
  return stat && (stat->state == 'Z' || stat->state == 'X' || fmt::format("{:x}", stat->started) != theirs->started);
}

} // namespace projector::projection
