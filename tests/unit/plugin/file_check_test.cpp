#include "plugin/file_check.hpp"

#include "plugin_files.hpp"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <random>

namespace projector::plugin {
namespace {

using test::built_plugin;
using test::read_bytes;
namespace fs = std::filesystem;

class FileCheck : public test::PluginFiles {
protected:
  /// Stages a file that has to be refused for good.
  std::string refusal(const fs::path& file) const {
    const StageResult result = stage(file, staging());
    EXPECT_FALSE(result.staged);
    EXPECT_FALSE(result.refusal.value().incomplete);
    return result.refusal.value().reason;
  }
  std::string refusal_of_bytes(const std::string& bytes) const { return refusal(write("noop.so", bytes)); }
  std::string noop_path() const { return (plugins() / "noop.so").string(); }
};

/// A plugin's bytes with its ELF header to be changed.
struct Patched {
  std::string bytes = read_bytes(built_plugin("noop"));
  Elf64_Ehdr header() const {
    Elf64_Ehdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
  }
  template <class T>
  void put(std::size_t offset, T value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  }
  std::vector<Elf64_Phdr> segments() const {
    std::vector<Elf64_Phdr> segments(header().e_phnum);
    std::memcpy(segments.data(), bytes.data() + header().e_phoff, segments.size() * sizeof(Elf64_Phdr));
    return segments;
  }
  /// Where an entry of the dynamic segment is in the file.
  std::size_t dynamic_entry(Elf64_Sxword tag) const {
    for (const Elf64_Phdr& segment : segments()) {
      for (std::size_t at = segment.p_offset; segment.p_type == PT_DYNAMIC; at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        std::memcpy(&entry, bytes.data() + at, sizeof entry);
        if (entry.d_tag == tag) {
          return at;
        }
      }
    }
    return 0;
  }
};

TEST(PluginName, IsTakenFromTheFileName) {
  EXPECT_EQ(plugin_name("/a/b/revenue.so"), "revenue");
  EXPECT_EQ(plugin_name("r2_d2.so"), "r2_d2");
  EXPECT_EQ(plugin_name(std::string(48, 'a') + ".so"), std::string(48, 'a'));
  for (const char* bad : {"Revenue.so", "2go.so", "_a.so", "a-b.so", ".so", "a.so.dpkg-new", ".a.so.Xy12", "a.sO", "a",
                          "so", "", "a.b.so", "\xc3\xa4.so"}) {
    EXPECT_EQ(plugin_name(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(plugin_name(std::string(49, 'a') + ".so"), std::nullopt);
}

TEST_F(FileCheck, RefusesAnotherFileName) {
  EXPECT_EQ(refusal(write("No-op.so", "x")),
            (plugins() / "No-op.so").string() +
                " is not a plugin's file name, expected [a-z][a-z0-9_]*.so of at most 48 "
                "characters before the dot");
}

TEST_F(FileCheck, AFileThatIsNotThereMayStillCome) {
  const StageResult result = stage(plugins() / "noop.so", staging());
  EXPECT_TRUE(result.refusal.value().incomplete);
  EXPECT_EQ(result.refusal->reason, noop_path() + " does not exist, or not yet");
}

TEST_F(FileCheck, RefusesWhatOthersMayWrite) {
  const fs::path file = put("noop");
  fs::permissions(file, fs::perms(0666));
  EXPECT_EQ(refusal(file), "the file " + noop_path() +
                               " can be written by its group and others (mode 0666): they could "
                               "run code in the host. Run: chmod go-w " +
                               noop_path());
  fs::permissions(file, fs::perms(0664));
  EXPECT_EQ(refusal(file), "the file " + noop_path() +
                               " can be written by its group (mode 0664): they could run code in "
                               "the host. Run: chmod go-w " +
                               noop_path());
  fs::permissions(file, fs::perms(0602));
  EXPECT_EQ(refusal(file), "the file " + noop_path() +
                               " can be written by others (mode 0602): they could run code in the "
                               "host. Run: chmod go-w " +
                               noop_path());
  fs::permissions(file, fs::perms(0444));
  EXPECT_TRUE(stage(file, staging()).staged);
}

TEST_F(FileCheck, RefusesADirectoryThatOthersMayWrite) {
  const fs::path file = put("noop");
  fs::permissions(plugins(), fs::perms(0775));
  EXPECT_EQ(refusal(file), "the directory " + plugins().string() +
                               " can be written by its group (mode 0775): they could "
                               "run code in the host. Run: chmod go-w " +
                               plugins().string());
  fs::permissions(plugins(), fs::perms(01777));
  EXPECT_EQ(refusal(file), "the directory " + plugins().string() +
                               " can be written by its group and others (mode 1777): "
                               "they could run code in the host. Run: chmod go-w " +
                               plugins().string());
}

TEST_F(FileCheck, QuotesThePathInACommand) {
  const fs::path odd = plugins() / "it's here";
  fs::create_directory(odd);
  fs::copy_file(put("noop"), odd / "noop.so");
  fs::permissions(odd / "noop.so", fs::perms(0646));
  const std::string reason = refusal(odd / "noop.so");
  EXPECT_NE(reason.find("chmod go-w '" + plugins().string() + "/it'\\''s here/noop.so'"), std::string::npos) << reason;
}

TEST_F(FileCheck, RefusesAnotherOwner) {
  const fs::path file = put("noop");
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
    EXPECT_EQ(refusal(file), "the file " + noop_path() +
                                 " belongs to uid 65534, expected root, who runs the host: its owner "
                                 "could run code in the host. If the file is trusted, run: chown "
                                 "root " +
                                 noop_path());
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(plugins().c_str(), 65534, 65534), 0);
    EXPECT_EQ(refusal(file), "the directory " + plugins().string() +
                                 " belongs to uid 65534, expected root, who runs the "
                                 "host: its owner could run code in the host. If the "
                                 "file is trusted, run: chown root " +
                                 plugins().string());
  } else {
    // A file of root's is good for everybody.
    EXPECT_FALSE(open_plugin_file("/usr/bin/env", *std::make_unique<struct stat>()).refusal);
  }
}

TEST_F(FileCheck, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(noop_path().c_str(), 0600), 0);
  EXPECT_EQ(refusal(noop_path()), noop_path() + " is not a regular file");
  fs::remove(noop_path());
  fs::create_directory(noop_path());
  EXPECT_EQ(refusal(noop_path()), noop_path() + " is not a regular file");
}

TEST_F(FileCheck, FollowsALinkToBelowItsDirectoryOnly) {
  const fs::path version = plugins() / "..2026_11_22";
  fs::create_directory(version);
  fs::permissions(version, fs::perms::owner_all);
  fs::rename(put("noop"), version / "noop.so");
  fs::create_directory_symlink(version.filename(), plugins() / "..data");
  fs::create_symlink("..data/noop.so", plugins() / "noop.so");
  EXPECT_FALSE(open_plugin_file(noop_path(), *std::make_unique<struct stat>()).refusal);

  fs::permissions(version, fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(refusal(noop_path()).find("the directory " + version.string() + " can be written by its group"), 0u)
      << refusal(noop_path());

  fs::remove(noop_path());
  fs::rename(version / "noop.so", plugins().parent_path() / "noop.so");
  fs::create_symlink("../noop.so", noop_path());
  EXPECT_EQ(refusal(noop_path()),
            noop_path() + " is a symbolic link that leads out of its directory, expected the file itself or "
                          "a link to below the directory: put a copy of the library there");
}

TEST_F(FileCheck, SizesOutOfRange) {
  const StageResult empty = stage_bytes("");
  EXPECT_TRUE(empty.refusal.value().incomplete);
  EXPECT_EQ(empty.refusal->reason, noop_path() + " is empty: it is read again when it has been written");
  const fs::path huge = put("noop");
  fs::resize_file(huge, (std::uintmax_t{1} << 30) + 1); // sparse
  EXPECT_EQ(refusal(huge), noop_path() +
                               " has 1073741825 bytes, expected at most 1073741824 (1 GiB): strip its debugging "
                               "information");
}

TEST_F(FileCheck, ATruncatedFileIsIncompleteAtEveryLength) {
  const std::string whole = read_bytes(built_plugin("noop"));
  std::mt19937 random(20240229);
  std::uniform_int_distribution<std::size_t> length(1, whole.size() - 1);
  for (int i = 0; i < 100; ++i) {
    const std::size_t some = i < 8 ? static_cast<std::size_t>(i) + 1 : length(random);
    const StageResult result = stage_bytes(whole.substr(0, some));
    ASSERT_TRUE(result.refusal) << some;
    EXPECT_TRUE(result.refusal->incomplete) << some << result.refusal->reason;
    const std::string expected = noop_path() + " is incomplete: ";
    EXPECT_EQ(result.refusal->reason.substr(0, expected.size()), expected);
  }
  EXPECT_TRUE(stage_bytes(whole).staged);
}

TEST_F(FileCheck, ATruncatedFileWithoutSectionHeadersIsIncomplete) {
  Patched file;
  std::uint64_t end = 0;
  for (const Elf64_Phdr& segment : file.segments()) {
    end = segment.p_type == PT_LOAD ? std::max(end, segment.p_offset + segment.p_filesz) : end;
  }
  file.put(offsetof(Elf64_Ehdr, e_shoff), Elf64_Off{0});
  file.put(offsetof(Elf64_Ehdr, e_shnum), Elf64_Half{0});
  EXPECT_TRUE(stage_bytes(file.bytes.substr(0, end)).staged);
  const StageResult shorter = stage_bytes(file.bytes.substr(0, end - 1));
  EXPECT_TRUE(shorter.refusal.value().incomplete);
  EXPECT_EQ(shorter.refusal->reason, noop_path() + " is incomplete: a segment reaches beyond its " +
                                         std::to_string(end - 1) +
                                         " bytes. If it is still being copied, it is read "
                                         "again when that is done; else copy it again");
}

TEST_F(FileCheck, SpaceSetAsideIsIncomplete) {
  const StageResult result = stage_bytes(std::string(20000, '\0'));
  EXPECT_TRUE(result.refusal.value().incomplete);
  EXPECT_EQ(result.refusal->reason, noop_path() +
                                        " begins with zero bytes, expected an ELF shared object. If it is still "
                                        "being copied, it is read again when that is done");
}

TEST_F(FileCheck, RefusesWhatIsNoElfFile) {
  const std::string expected = noop_path() + " is not an ELF file, expected a shared object (cc -shared)";
  EXPECT_EQ(refusal_of_bytes("#!/bin/sh\nexit 0\n"), expected);
  EXPECT_EQ(refusal_of_bytes("x"), expected);
}

TEST_F(FileCheck, RefusesAnotherMachine) {
  Patched file;
  const Elf64_Half other = file.header().e_machine == EM_X86_64 ? EM_AARCH64 : EM_X86_64;
  const std::string here = other == EM_AARCH64 ? "x86-64" : "AArch64";
  const std::string there = other == EM_AARCH64 ? "AArch64" : "x86-64";
  file.put(offsetof(Elf64_Ehdr, e_machine), other);
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is built for " + there + ", expected " + here + ": build it for this machine");
  file.bytes[EI_DATA] = ELFDATA2MSB;
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is built for a big-endian " + there + ", expected " + here + ": build it for this machine");
}

TEST_F(FileCheck, RefusesOtherKindsOfElfFile) {
  Patched file;
  file.bytes[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is a 32-bit ELF file, expected a 64-bit one: build it with -m64");
  file = {};
  file.put(offsetof(Elf64_Ehdr, e_type), Elf64_Half{ET_REL});
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is an object file, expected a shared object: link it with cc -shared");
  file.put(offsetof(Elf64_Ehdr, e_type), Elf64_Half{ET_EXEC});
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is an executable, expected a shared object: link it with cc -shared");
  // This program, like most, is a shared object too, but marked as an executable.
  EXPECT_EQ(refusal_of_bytes(read_bytes("/usr/bin/env")),
            noop_path() + " is an executable, expected a shared object: link it with cc -shared");
}

TEST_F(FileCheck, RefusesDamagedTables) {
  Patched file;
  file.put(offsetof(Elf64_Ehdr, e_phnum), Elf64_Half{0});
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is damaged: it has 0 program headers of 56 bytes. Build or copy it again");
  file = {};
  file.put(offsetof(Elf64_Ehdr, e_shoff), Elf64_Off{UINT64_MAX});
  EXPECT_TRUE(stage_bytes(file.bytes).refusal.value().incomplete);
  file = {};
  file.put(file.dynamic_entry(DT_STRTAB) + 8, std::uint64_t{1} << 40);
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is damaged: the names of its symbols are in no segment. Build or copy it again");
  file = {};
  file.put(file.dynamic_entry(DT_GNU_HASH) + 8, std::uint64_t{1} << 40);
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is damaged: its hash table of symbols is in no segment. Build or copy it again");
  file = {};
  file.put(file.dynamic_entry(DT_SYMTAB) + 8, std::uint64_t{1} << 40);
  EXPECT_EQ(refusal_of_bytes(file.bytes),
            noop_path() + " is damaged: it has no table of symbols. Build or copy it again");
}

/// The check of each of these must end with any result.
TEST_F(FileCheck, FlippedBytesNeverBreakTheCheck) {
  const std::string whole = read_bytes(built_plugin("noop"));
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = whole;
    for (int flips = 0; flips < 8; ++flips) {
      // The checked structures are mostly in the first kilobytes.
      bytes[random() % std::min<std::size_t>(bytes.size(), 4096)] = static_cast<char>(random());
    }
    const StageResult result = stage_bytes(bytes);
    ASSERT_NE(result.staged.has_value(), result.refusal.has_value());
    if (result.staged) {
      discard(*result.staged);
    }
  }
}

TEST_F(FileCheck, RefusesALibraryThatIsNoPlugin) {
  EXPECT_EQ(refusal(put("no_symbol")), (plugins() / "no_symbol.so").string() +
                                           " does not export projector_plugin_v1, so it is no plugin: define it (C++: "
                                           "PROJECTOR_EXPORT_PROJECTION) and let the version script export it");
}

TEST_F(FileCheck, RefusesAnotherMajorVersion) {
  EXPECT_EQ(
      refusal(put("next_major")),
      (plugins() / "next_major.so").string() +
          " exports projector_plugin_v2 only, expected projector_plugin_v1: this host understands major version 1 of "
          "the plugin interface. Install a projectord that understands the plugin, or build the plugin against this "
          "host's SDK");
}

TEST_F(FileCheck, AcceptsUniqueSymbols) {
  EXPECT_FALSE(stage(put("unique_symbols"), staging()).refusal) << "each instance has a process of its own";
}

TEST_F(FileCheck, ARefusedFileLeavesNoCopy) {
  refusal(put("next_major"));
  refusal_of_bytes("text");
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(staging())) {
    left.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(left, std::vector<std::string>{"lock"});
}

} // namespace
} // namespace projector::plugin
