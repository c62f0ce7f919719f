#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace projector::projection {

/// Identifies a host: no two processes have the same identity, whatever their machines or containers are called.
struct HostIdentity {
  std::string machine; ///< its name, for people
  std::string place;   ///< tells one boot of one machine and one pid namespace from all others
  std::string started; ///< when the process was, within its place
  pid_t pid = 0;       ///< within its place

  /// As it is written in tables and output: "web-3/1f0a2b3c-9c3f21/4711".
  [[nodiscard]] std::string text() const;
  /// Nothing where the text has another form, such as that of a host of an earlier version.
  static std::optional<HostIdentity> parse(std::string_view text);

  static HostIdentity of_this_process();
  /// Of a process of this pid namespace.
  static HostIdentity of_process(pid_t pid);
};

/// Whether `other` was a process of the same boot and pid namespace as `own`, which is this process, and has ended. Of
/// a process of any other place that is not known. Both are texts of identities.
bool has_ended(std::string_view other, std::string_view own);

} // namespace projector::projection
