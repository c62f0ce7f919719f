#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace projector::plugin {

/// Why a plugin file is not taken.
struct Refusal {
  bool incomplete = false; ///< it looks half written: worth another look soon
  std::string reason;      ///< what was found, what was expected, the way out
};

/// [a-z][a-z0-9_]*.so, and the plugin's name it stands for (48 characters at most); nothing for any other file name.
std::optional<std::string> plugin_name(const std::filesystem::path& file);

/// Whether the bytes of an opened file are a whole 64-bit ELF shared object for this machine, with every extent inside the
/// file, no GNU_UNIQUE symbol and the entry symbol exported. Only reads through the descriptor, with pread.
std::optional<Refusal> check_elf(int fd, std::uint64_t size);

/// A plugin file copied into the staging directory under a name of its own.
struct StagedFile {
  std::filesystem::path source;
  std::filesystem::path copy;
  std::string name;   ///< the plugin's, from the file's name
  std::string sha256; ///< of the bytes that were copied, lower-case hexadecimal
};

struct StageResult {
  std::optional<StagedFile> staged;
  std::optional<Refusal> refusal;
};
/// Opens the file once, checks owner and modes of it and of its directory, the bytes, and copies them. Never throws for
/// what the file holds; throws std::system_error where the staging directory fails.
StageResult stage(const std::filesystem::path& source, const std::filesystem::path& staging_directory);

/// One more copy of a staged file, for another instance of the same generation: each instance has statics of its own.
StagedFile stage_again(const StagedFile& staged);

/// Makes the staging directory (0700) where it is absent, and empties it of copies that a host no longer running left.
void prepare_staging(const std::filesystem::path& staging_directory);

} // namespace projector::plugin
