#pragma once

#include <array>
#include <filesystem>
#include <string>

namespace projector::test {

/// Ways to replace a file.
enum class Way {
  CopyInPlace, ///< cp: the old file is cut to nothing and written again
  Install,     ///< install: the old file is removed, a new one made and written
  Move,        ///< mv of a file written elsewhere on the same file system
  Rsync,       ///< a dot file beside it, renamed
  RealRsync,   ///< the program rsync if it is installed; else like Rsync
  Dpkg,        ///< NAME.dpkg-new beside it, a link NAME.dpkg-tmp to the old one, renamed
};
constexpr std::array<Way, 6> kEveryWay{Way::CopyInPlace, Way::Install,   Way::Move,
                                       Way::Rsync,       Way::RealRsync, Way::Dpkg};
std::string to_string(Way way);

/// Puts the bytes of `file` in the place of `target`, which is there.
void replace_file(const std::filesystem::path& file, const std::filesystem::path& target, Way way);

/// Exchanges two names in one step, whatever they are. Throws std::system_error.
void exchange(const std::filesystem::path& one, const std::filesystem::path& other);

/// A version of a plugin that tests/plugins makes, or the shipped one's where `version` is empty.
std::filesystem::path built_plugin(const std::string& version, const std::string& name);

} // namespace projector::test
