#include "runner/sandbox.hpp"

#include "runner/landlock.hpp"
#include "runner/syscall_filter.hpp"

#include <sys/prctl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace projector::runner {
namespace {

constexpr const char* kReadable[] = {"/usr",
                                     "/lib",
                                     "/lib32",
                                     "/lib64",
                                     "/etc/localtime",
                                     "/etc/timezone",
                                     "/etc/ld.so.cache",
                                     "/etc/locale.alias",
                                     "/usr/share/zoneinfo",
                                     "/usr/lib/locale",
                                     "/sys/devices/system/cpu"};
constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
// Not all of /etc/ssl: private keys lie there, too.
constexpr const char* kReadableIfExternal[] = {"/etc/resolv.conf",
                                               "/etc/hosts",
                                               "/etc/nsswitch.conf",
                                               "/etc/host.conf",
                                               "/etc/gai.conf",
                                               "/etc/services",
                                               "/etc/protocols",
                                               "/etc/ssl/openssl.cnf",
                                               "/etc/ssl/certs",
                                               "/etc/ssl/cert.pem",
                                               "/etc/pki/tls/certs",
                                               "/etc/pki/ca-trust/extracted",
                                               "/etc/ca-certificates/extracted"};

/// The resolver's file is replaced by rename while the plugin runs, so its directory is readable where it is one of its
/// own, as with systemd-resolved.
void add_resolver_directory(std::vector<std::string>& paths) {
  std::error_code error;
  const auto file = std::filesystem::canonical("/etc/resolv.conf", error);
  if (!error && file.string().starts_with("/run/") && file.parent_path() != "/run") {
    paths.push_back(file.parent_path());
  }
}

LandlockRules landlock_rules(const SandboxOptions& options) {
  LandlockRules rules;
  rules.sockets = options.external;
  rules.readable = options.readable;
  rules.writable = options.writable;
  if (!options.state_directory.empty()) {
    rules.writable.push_back(options.state_directory);
  }
  rules.optional.assign(std::begin(kReadable), std::end(kReadable));
  rules.devices.assign(std::begin(kDevices), std::end(kDevices));
  if (options.external) {
    rules.optional.insert(rules.optional.end(), std::begin(kReadableIfExternal), std::end(kReadableIfExternal));
    add_resolver_directory(rules.optional);
  }
  return rules;
}

std::string why_not(int error) {
  switch (error) {
  case ENOSYS:
  case EINVAL:
    return "this kernel has none";
  case EOPNOTSUPP:
    return "it is off since this kernel's boot";
  case EPERM:
  case EACCES:
    return "a container or a service's filter forbids it";
  default:
    return std::generic_category().message(error);
  }
}

Mechanism enter_landlock(const SandboxOptions& options, int abi) {
  if (abi < 0) {
    return {false, why_not(-abi)};
  }
  const int error = restrict_to(landlock_rules(options), abi);
  return error == 0 ? Mechanism{true, "ABI " + std::to_string(abi)} : Mechanism{false, why_not(error)};
}

} // namespace

SandboxReport enter_sandbox(const SandboxOptions& options) {
  SandboxReport report;
  report.enabled = options.enabled;
  report.external = options.external;
  if (!options.enabled) {
    return report;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot give up new privileges");
  }
  const int abi = landlock_abi();
  report.landlock = enter_landlock(options, abi);

  CallPolicy policy;
  policy.sockets = options.external;
  policy.write_files = report.landlock.in_force || !options.state_directory.empty() || !options.writable.empty();
  policy.truncate_by_path = !report.landlock.in_force || abi >= 3;
  const int error = filter_calls(policy);
  report.seccomp = error == 0 ? Mechanism{true, ""} : Mechanism{false, why_not(error)};
  report.writes_refused = report.seccomp.in_force && !policy.write_files;
  return report;
}

std::string SandboxReport::line() const {
  if (!enabled) {
    return "no sandbox, as configured: the plugin can do what this user can do";
  }
  if (landlock.in_force && seccomp.in_force) {
    return "sandbox: Landlock (" + landlock.detail + ") and seccomp";
  }
  std::string text = "sandbox: ";
  if (landlock.in_force) {
    text += "Landlock (" + landlock.detail + ")";
  } else {
    text += "no Landlock (" + landlock.detail + "), so the plugin can read each file that this user can read";
    if (!writes_refused) {
      text += ", and write each that this user can write, also other processes' memory in /proc";
    }
  }
  text += "; ";
  if (seccomp.in_force) {
    text += "seccomp";
  } else {
    text += "no seccomp (" + seccomp.detail + "), so the plugin can start processes, signal others and open sockets";
  }
  return text;
}

} // namespace projector::runner
