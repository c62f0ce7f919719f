#pragma once

namespace projector::runner {

/// What a filter of system calls lets through beyond what every plugin may do.
struct CallPolicy {
  bool sockets = false;          ///< of the families inet, inet6 and unix, as a client
  bool write_files = false;      ///< opening for writing, and changes by path; else only what is open already
  bool truncate_by_path = false; ///< false where Landlock would not notice that
};

/// Limits the calling thread, and those that it starts later. The thread must have no_new_privs. A call that is not
/// allowed answers EPERM, and nothing is killed: libraries handle an error, and glibc blocks all signals around
/// fork. Returns 0, or the errno with which the kernel refused. Throws std::system_error if the filter cannot be
/// made, e.g. for want of memory.
int filter_calls(const CallPolicy& policy);

} // namespace projector::runner
