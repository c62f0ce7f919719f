#include "replacement.hpp"

#include "base/unique_fd.hpp"
#include "support/host_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// In pieces, so that there is a moment at which the file is half written.
void write_slowly(const std::string& bytes, const fs::path& target) {
  constexpr std::size_t kPiece = 32768;
  std::ofstream out(target, std::ios::binary | std::ios::trunc);
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    out << bytes.substr(at, kPiece) << std::flush;
  }
  if (!out) {
    throw std::runtime_error("cannot write " + target.string());
  }
}

void write_new(const fs::path& file, const fs::path& target) {
  write_slowly(bytes_of(file), target);
  fs::permissions(target, fs::perms(0644));
}

void run_tool(const std::vector<std::string>& command) {
  const auto finished = run_program(command);
  if (finished.code != 0) {
    throw std::runtime_error(fmt::format("{} ended with {}: {}", command.front(), finished.code, finished.output));
  }
}

void by_dpkg(const fs::path& file, const fs::path& target) {
  const fs::path fresh = target.string() + ".dpkg-new";
  const fs::path backup = target.string() + ".dpkg-tmp";
  write_new(file, fresh);
  const base::UniqueFd written(::open(fresh.c_str(), O_WRONLY | O_CLOEXEC));
  ::fsync(written.get());
  fs::create_hard_link(target, backup);
  fs::rename(fresh, target);
  fs::remove(backup);
}

} // namespace

std::string to_string(Way way) {
  switch (way) {
  case Way::CopyInPlace:
    return "cp";
  case Way::Install:
    return "install";
  case Way::Move:
    return "mv";
  case Way::Rsync:
    return "rsync-like";
  case Way::RealRsync:
    return "rsync";
  case Way::Dpkg:
    return "dpkg-like";
  }
  return "?";
}

void replace_file(const fs::path& file, const fs::path& target, Way way) {
  const fs::path name = target.filename();
  switch (way) {
  case Way::CopyInPlace:
    write_slowly(bytes_of(file), target);
    return;
  case Way::Install:
    run_tool({"install", "-m", "0644", file.string(), target.string()});
    return;
  case Way::Move: {
    const fs::path elsewhere = target.parent_path().parent_path() / name;
    write_new(file, elsewhere);
    run_tool({"mv", "-f", elsewhere.string(), target.string()});
    return;
  }
  case Way::RealRsync:
    if (run_program({"rsync", "--version"}).code == 0) {
      run_tool({"rsync", "--ignore-times", "--chmod=F644", file.string(), target.string()});
      return;
    }
    [[fallthrough]];
  case Way::Rsync: {
    const fs::path hidden = target.parent_path() / ("." + name.string() + ".q2wX4z");
    write_new(file, hidden);
    fs::rename(hidden, target);
    return;
  }
  case Way::Dpkg:
    by_dpkg(file, target);
    return;
  }
}

void exchange(const fs::path& one, const fs::path& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot exchange " + one.string());
  }
}

fs::path built_plugin(const std::string& version, const std::string& name) {
  const fs::path directory = version.empty() ? PROJECTOR_TEST_PLUGIN_DIR : PROJECTOR_TEST_BROKEN_PLUGIN_DIR;
  return directory / (version == "." ? "" : version) / (name + ".so");
}

} // namespace projector::test
