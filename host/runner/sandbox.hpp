#pragma once

#include <string>
#include <vector>

namespace projector::runner {

/// What a plugin's process may do beyond computing. Paths are absolute, and stand for everything below them.
struct SandboxOptions {
  /// The plugin's effects leave the database: it may use sockets, and read what name resolution and TLS need.
  bool external = false;
  std::string state_directory;       ///< read and written; empty: there is none
  std::vector<std::string> readable; ///< also executable: the plugin's file, and libraries outside /usr and /lib
  std::vector<std::string> writable; ///< also readable
  bool enabled = true;
};

/// What became of one mechanism of the kernel.
struct Mechanism {
  bool in_force = false;
  std::string detail; ///< of Landlock in force: "ABI 2"; else why it is not in force
};

struct SandboxReport {
  bool enabled = true;
  bool external = false;
  Mechanism landlock;          ///< limits files, and with newer ABIs sockets and signals
  Mechanism seccomp;           ///< limits system calls
  bool writes_refused = false; ///< by seccomp, in place of Landlock: no file can be opened for writing
  /// One line for the host's log, which names what is not protected.
  [[nodiscard]] std::string line() const;
};

/// Gives up for good what a plugin does not need; see "Sandbox" in host/DESIGN.md. Descriptors that are open remain
/// usable. A mechanism that the kernel or a container does not grant is no error: the report names it, and the rest
/// is in force.
///
/// Called once, on the main thread, before there is another one: a thread that exists already would stay outside
/// (nothing synchronises them). Also before the plugin is loaded, and after everything that the sandbox forbids.
/// Throws std::system_error if a path in the options cannot be opened, or memory is short; the process has to end
/// then.
SandboxReport enter_sandbox(const SandboxOptions& options);

} // namespace projector::runner
