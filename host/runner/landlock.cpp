#include "runner/landlock.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace projector::runner {
namespace {

// The headers of the oldest supported system end at ABI 2.
constexpr std::uint64_t kTruncate = 1ULL << 14U;
constexpr std::uint64_t kIoctlDevice = 1ULL << 15U;
constexpr std::uint64_t kBindTcp = 1ULL << 0U;
constexpr std::uint64_t kConnectTcp = 1ULL << 1U;
constexpr std::uint64_t kAbstractSockets = 1ULL << 0U;
constexpr std::uint64_t kSignals = 1ULL << 1U;

constexpr std::uint64_t kFilesOfAbi1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1;
constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite =
    ~(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | kIoctlDevice);
constexpr std::uint64_t kDevice = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
/// The kernel refuses all other rights for what is not a directory.
constexpr std::uint64_t kOfOneFile = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                     LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDevice;

/// The kernel's landlock_ruleset_attr. A kernel that knows only its begin accepts zeros behind that.
struct RulesetAttribute {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scopes;
};

class Ruleset {
public:
  explicit Ruleset(const LandlockRights& rights) : handled_(rights.files) {
    const RulesetAttribute attribute{rights.files, rights.network, rights.scopes};
    descriptor_.reset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attribute, sizeof(attribute), 0U)));
    error_ = descriptor_ ? 0 : errno;
  }

  void allow(const std::vector<std::string>& paths, std::uint64_t rights, bool may_be_absent) {
    for (const auto& path : paths) {
      allow(path, rights, may_be_absent);
    }
  }

  int restrict_this_thread() {
    if (error_ == 0 && ::syscall(SYS_landlock_restrict_self, descriptor_.get(), 0U) != 0) {
      error_ = errno;
    }
    return error_;
  }

private:
  void allow(const std::string& path, std::uint64_t rights, bool may_be_absent) {
    const base::UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!place || ::fstat(place.get(), &status) != 0) {
      if (may_be_absent) {
        return;
      }
      throw std::system_error(errno, std::generic_category(), "cannot open " + path + " for a plugin's sandbox");
    }
    const std::uint64_t possible = S_ISDIR(status.st_mode) ? handled_ : handled_ & kOfOneFile;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights & possible;
    rule.parent_fd = place.get();
    if (error_ == 0 &&
        ::syscall(SYS_landlock_add_rule, descriptor_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) != 0) {
      error_ = errno;
    }
  }

  std::uint64_t handled_;
  base::UniqueFd descriptor_;
  int error_ = 0;
};

} // namespace

int landlock_abi() noexcept {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0UL, LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? -errno : static_cast<int>(std::min<long>(abi, kNewestLandlockAbi));
}

LandlockRights landlock_rights(int abi, bool sockets) noexcept {
  LandlockRights rights;
  rights.files = kFilesOfAbi1;
  if (abi >= 2) {
    rights.files |= LANDLOCK_ACCESS_FS_REFER;
  }
  if (abi >= 3) {
    rights.files |= kTruncate;
  }
  if (abi >= 4 && !sockets) {
    rights.network = kBindTcp | kConnectTcp;
  }
  if (abi >= 5) {
    rights.files |= kIoctlDevice;
  }
  if (abi >= 6) {
    rights.scopes = sockets ? kSignals : kSignals | kAbstractSockets;
  }
  return rights; // ABI 7 only adds what the audit log is told
}

int restrict_to(const LandlockRules& rules, int abi) {
  Ruleset ruleset(landlock_rights(abi, rules.sockets));
  ruleset.allow(rules.readable, kRead, false);
  ruleset.allow(rules.writable, kWrite, false);
  ruleset.allow(rules.optional, kRead, true);
  ruleset.allow(rules.devices, kDevice, true);
  return ruleset.restrict_this_thread();
}

} // namespace projector::runner
