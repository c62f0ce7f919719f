#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

struct stat;

namespace projector::plugin {

/// Why a plugin file is refused.
struct Refusal {
  bool incomplete = false; ///< it looks half written, so it should be read again soon
  std::string reason;      ///< what was found, what was expected, the way out
};

/// [a-z][a-z0-9_]*.so, and the plugin's name it stands for (48 characters at most); nothing for any other file name.
std::optional<std::string> plugin_name(const std::filesystem::path& file);
/// Whether `name` is one: [a-z][a-z0-9_]{0,47}.
bool is_plugin_name(const std::string& name);

/// Opens a plugin file once, for reading, and checks owner and modes of it and of the directory it was opened in: only
/// root and the host's own user may be able to change either. A symbolic link is followed to a file below the directory
/// that it stands in, and no further. `status` receives the file's, from the descriptor.
struct OpenedFile {
  base::UniqueFd fd; ///< empty if refused
  std::optional<Refusal> refusal;
};
OpenedFile open_plugin_file(const std::filesystem::path& file, struct stat& status);

/// Whether the bytes of an opened file are a whole 64-bit ELF shared object for this machine, with every extent inside
/// the file, and the entry symbol exported. Only reads through the descriptor, with pread. The
/// reason continues "FILE: ".
std::optional<Refusal> check_elf(int fd, std::uint64_t size);

} // namespace projector::plugin
