#include "plugin/elf_reader.hpp"
#include "plugin/file_check.hpp"

#include <elf.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

namespace projector::plugin {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "no ELF machine number is known for this processor"
#endif

constexpr std::string_view kEntrySymbol = "projector_plugin_v1";
constexpr std::string_view kEntryFamily = "projector_plugin_v";
constexpr std::uint64_t kMostSections = std::uint64_t{1} << 20;
constexpr std::size_t kLongestSymbol = 512;

using Result = std::optional<Refusal>;

Refusal damaged(std::string_view what) {
  return {false, fmt::format("is damaged: {}. Build or copy it again", what)};
}

std::string machine_name(Elf64_Half machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_AARCH64:
    return "AArch64";
  case EM_386:
    return "i386";
  case EM_ARM:
    return "ARM";
  case EM_RISCV:
    return "RISC-V";
  default:
    return fmt::format("ELF machine {}", machine);
  }
}

/// Checks one file. The dynamic segment decides, since the dynamic loader reads nothing else; of section headers only
/// the place within the file is checked. Format: System V ABI, chapters 4 and 5; DT_GNU_HASH: binutils.
class ElfCheck {
public:
  ElfCheck(int fd, std::uint64_t size) : file_(fd, size) {}

  Result run() {
    for (const auto step : {&ElfCheck::check_header, &ElfCheck::check_segments, &ElfCheck::check_sections,
                            &ElfCheck::check_dynamic, &ElfCheck::check_symbols}) {
      if (auto refusal = (this->*step)()) {
        return refusal;
      }
    }
    return std::nullopt;
  }

private:
  Result check_header();
  Result check_segments();
  Result check_sections();
  Result check_dynamic();
  Result check_symbols();

  /// Where the bytes of a loaded address are in the file; nothing where they are not in it.
  [[nodiscard]] std::optional<std::uint64_t> offset_of(std::uint64_t address, std::uint64_t length) const;
  [[nodiscard]] std::uint64_t dynamic(Elf64_Sxword tag) const;
  /// Number of entries of the symbol table, which only the hash tables give.
  Result count_symbols(std::uint64_t& count) const;
  Result count_by_gnu_hash(std::uint64_t hash, std::uint64_t& count) const;
  Result symbol_name(const Elf64_Sym& symbol, std::string& name) const;

  ElfReader file_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Dyn> dynamic_;
};

Result ElfCheck::check_header() {
  const std::size_t available = std::min<std::uint64_t>(file_.size(), sizeof header_);
  if (auto refusal = file_.read(0, &header_, available, "its header reaches")) {
    return refusal;
  }
  const unsigned char* ident = header_.e_ident;
  const std::size_t magic = std::min<std::size_t>(available, SELFMAG);
  // A file whose space was allocated before its bytes are written begins with zeroes.
  if (std::all_of(ident, ident + magic, [](unsigned char c) { return c == 0; })) {
    return Refusal{true, "begins with zero bytes, expected an ELF shared object. If it is still being copied, it is "
                         "read again when that is done"};
  }
  if (std::memcmp(ident, ELFMAG, magic) != 0) {
    return Refusal{false, "is not an ELF file, expected a shared object (cc -shared)"};
  }
  if (available < sizeof header_) {
    return file_.incomplete("its header reaches");
  }
  if (ident[EI_CLASS] != ELFCLASS64) {
    return Refusal{false, "is a 32-bit ELF file, expected a 64-bit one: build it with -m64"};
  }
  if (ident[EI_DATA] != ELFDATA2LSB || header_.e_machine != kMachine) {
    return Refusal{false, fmt::format("is built for {}{}, expected {}: build it for this machine",
                                      ident[EI_DATA] != ELFDATA2LSB ? "a big-endian " : "",
                                      machine_name(header_.e_machine), machine_name(kMachine))};
  }
  if (ident[EI_VERSION] != EV_CURRENT || header_.e_version != EV_CURRENT) {
    return damaged(fmt::format("its ELF version is {}, expected 1", header_.e_version));
  }
  switch (header_.e_type) {
  case ET_DYN:
    return std::nullopt;
  case ET_REL:
    return Refusal{false, "is an object file, expected a shared object: link it with cc -shared"};
  case ET_EXEC:
    return Refusal{false, "is an executable, expected a shared object: link it with cc -shared"};
  default:
    return Refusal{false,
                   fmt::format("has ELF type {}, expected a shared object: link it with cc -shared", header_.e_type)};
  }
}

Result ElfCheck::check_segments() {
  if (header_.e_phentsize != sizeof(Elf64_Phdr) || header_.e_phnum == 0 || header_.e_phnum == PN_XNUM) {
    return damaged(fmt::format("it has {} program headers of {} bytes", header_.e_phnum, header_.e_phentsize));
  }
  segments_.resize(header_.e_phnum);
  if (auto refusal = file_.read(header_.e_phoff, segments_.data(), segments_.size() * sizeof(Elf64_Phdr),
                                "its program headers reach")) {
    return refusal;
  }
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type != PT_NULL && segment.p_filesz > 0 && !file_.inside(segment.p_offset, segment.p_filesz)) {
      return file_.incomplete("a segment reaches");
    }
    if (segment.p_type == PT_LOAD && segment.p_filesz > segment.p_memsz) {
      return damaged("a segment is larger in the file than in memory");
    }
  }
  return std::nullopt;
}

Result ElfCheck::check_sections() {
  if (header_.e_shoff == 0) {
    return std::nullopt;
  }
  if (header_.e_shentsize != sizeof(Elf64_Shdr)) {
    return damaged(fmt::format("its section headers have {} bytes", header_.e_shentsize));
  }
  std::uint64_t count = header_.e_shnum;
  if (count == 0) {
    Elf64_Shdr first{};
    if (auto refusal = file_.read(header_.e_shoff, &first, sizeof first, "its section headers reach")) {
      return refusal;
    }
    count = first.sh_size;
  }
  if (count > kMostSections) {
    return damaged(fmt::format("it has {} sections", count));
  }
  bool whole = true;
  auto refusal =
      file_.each<Elf64_Shdr>(header_.e_shoff, count, "its section headers reach", [&](const Elf64_Shdr& section) {
        whole = section.sh_type == SHT_NOBITS || section.sh_type == SHT_NULL ||
                file_.inside(section.sh_offset, section.sh_size);
        return whole;
      });
  return refusal || whole ? refusal : file_.incomplete("a section reaches");
}

std::optional<std::uint64_t> ElfCheck::offset_of(std::uint64_t address, std::uint64_t length) const {
  for (const Elf64_Phdr& segment : segments_) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr <= segment.p_filesz &&
        length <= segment.p_filesz - (address - segment.p_vaddr)) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return std::nullopt;
}

std::uint64_t ElfCheck::dynamic(Elf64_Sxword tag) const {
  const auto found =
      std::find_if(dynamic_.begin(), dynamic_.end(), [tag](const Elf64_Dyn& d) { return d.d_tag == tag; });
  return found == dynamic_.end() ? 0 : found->d_un.d_val;
}

Result ElfCheck::check_dynamic() {
  const auto segment =
      std::find_if(segments_.begin(), segments_.end(), [](const Elf64_Phdr& s) { return s.p_type == PT_DYNAMIC; });
  if (segment == segments_.end()) {
    return Refusal{false, "has no dynamic segment, expected a shared object: link it with cc -shared"};
  }
  auto refusal = file_.each<Elf64_Dyn>(segment->p_offset, segment->p_filesz / sizeof(Elf64_Dyn),
                                       "its dynamic segment reaches", [&](const Elf64_Dyn& entry) {
                                         dynamic_.push_back(entry);
                                         return entry.d_tag != DT_NULL;
                                       });
  if (refusal) {
    return refusal;
  }
  if ((dynamic(DT_FLAGS_1) & DF_1_PIE) != 0) {
    return Refusal{false, "is an executable, expected a shared object: link it with cc -shared"};
  }
  struct Region {
    Elf64_Sxword address;
    Elf64_Sxword length;
    std::string_view name;
  };
  constexpr std::array<Region, 5> kRegions = {{{DT_STRTAB, DT_STRSZ, "names of its symbols"},
                                               {DT_RELA, DT_RELASZ, "relocations"},
                                               {DT_JMPREL, DT_PLTRELSZ, "relocations of its calls"},
                                               {DT_INIT_ARRAY, DT_INIT_ARRAYSZ, "initialisers"},
                                               {DT_FINI_ARRAY, DT_FINI_ARRAYSZ, "finalisers"}}};
  for (const Region& region : kRegions) {
    if (dynamic(region.length) != 0 && !offset_of(dynamic(region.address), dynamic(region.length))) {
      return damaged(fmt::format("the {} are in no segment", region.name));
    }
  }
  return std::nullopt;
}

Result ElfCheck::count_symbols(std::uint64_t& count) const {
  if (const std::uint64_t hash = dynamic(DT_GNU_HASH); hash != 0) {
    return count_by_gnu_hash(hash, count);
  }
  std::array<std::uint32_t, 2> header{}; // number of buckets, number of symbols
  const auto offset = offset_of(dynamic(DT_HASH), sizeof header);
  if (dynamic(DT_HASH) == 0 || !offset) {
    return damaged("it has no hash table of symbols");
  }
  auto refusal = file_.read(*offset, header.data(), sizeof header, "its hash table reaches");
  count = header[1];
  return refusal;
}

Result ElfCheck::count_by_gnu_hash(std::uint64_t hash, std::uint64_t& count) const {
  struct Header {
    std::uint32_t buckets, first_symbol, bloom_words, bloom_shift;
  } header{};
  const auto offset = offset_of(hash, sizeof header);
  if (!offset) {
    return damaged("its hash table of symbols is in no segment");
  }
  if (auto refusal = file_.read(*offset, &header, sizeof header, "its hash table reaches")) {
    return refusal;
  }
  const std::uint64_t buckets = *offset + sizeof header + std::uint64_t{header.bloom_words} * 8;
  const std::uint64_t chains = buckets + std::uint64_t{header.buckets} * 4;
  std::uint32_t last = 0;
  auto refusal =
      file_.each<std::uint32_t>(buckets, header.buckets, "its hash table reaches", [&](std::uint32_t bucket) {
        last = std::max(last, bucket);
        return true;
      });
  if (refusal) {
    return refusal;
  }
  count = header.first_symbol;
  if (last < header.first_symbol || chains > file_.size()) {
    return std::nullopt;
  }
  // The last bucket's chain ends with the table's last symbol, marked by its lowest bit.
  const std::uint64_t chain = chains + std::uint64_t{last - header.first_symbol} * 4;
  if (chain > file_.size()) {
    return file_.incomplete("its hash table reaches");
  }
  bool ended = false;
  count = last;
  refusal =
      file_.each<std::uint32_t>(chain, (file_.size() - chain) / 4, "its hash table reaches", [&](std::uint32_t entry) {
        ++count;
        ended = (entry & 1U) != 0;
        return !ended;
      });
  return refusal || ended ? refusal : damaged("its hash table of symbols has no end");
}

Result ElfCheck::symbol_name(const Elf64_Sym& symbol, std::string& name) const {
  const std::uint64_t names_size = dynamic(DT_STRSZ);
  const auto names = offset_of(dynamic(DT_STRTAB), names_size);
  if (!names || symbol.st_name >= names_size) {
    return damaged("a symbol's name is not in its table of names");
  }
  std::array<char, kLongestSymbol> bytes{};
  const std::size_t length = std::min<std::uint64_t>(bytes.size(), names_size - symbol.st_name);
  auto refusal = file_.read(*names + symbol.st_name, bytes.data(), length, "its names of symbols reach");
  name.assign(bytes.data(), ::strnlen(bytes.data(), length));
  return refusal;
}

Result ElfCheck::check_symbols() {
  std::uint64_t count = 0;
  if (auto refusal = count_symbols(count)) {
    return refusal;
  }
  const auto table = offset_of(dynamic(DT_SYMTAB), 0);
  if (dynamic(DT_SYMTAB) == 0 || !table || dynamic(DT_SYMENT) != sizeof(Elf64_Sym)) {
    return damaged("it has no table of symbols");
  }
  bool found = false;
  std::string other_entry;
  Result bad;
  auto refusal = file_.each<Elf64_Sym>(*table, count, "its symbols reach", [&](const Elf64_Sym& symbol) {
    if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) {
      return true;
    }
    std::string name;
    bad = symbol_name(symbol, name);
    if (bad) {
      return false;
    }
    if (name == kEntrySymbol) {
      const unsigned type = ELF64_ST_TYPE(symbol.st_info);
      found = type == STT_OBJECT || type == STT_NOTYPE;
      if (!found) {
        bad = Refusal{false, fmt::format("exports {} as something else than data, expected a constant of type "
                                         "projector_plugin",
                                         kEntrySymbol)};
      }
    } else if (name.compare(0, kEntryFamily.size(), kEntryFamily) == 0) {
      other_entry = name;
    }
    return !bad;
  });
  if (refusal || bad) {
    return refusal ? refusal : bad;
  }
  if (!found && !other_entry.empty()) {
    return Refusal{false,
                   fmt::format("exports {} only, expected {}: this host understands major version 1 of the plugin "
                               "interface. Install a projectord that understands the plugin, or build the plugin "
                               "against this host's SDK",
                               other_entry, kEntrySymbol)};
  }
  if (!found) {
    return Refusal{false, fmt::format("does not export {}, so it is no plugin: define it (C++: "
                                      "PROJECTOR_EXPORT_PROJECTION) and let the version script export it",
                                      kEntrySymbol)};
  }
  return std::nullopt;
}

} // namespace

std::optional<Refusal> check_elf(int fd, std::uint64_t size) {
  return ElfCheck(fd, size).run();
}

} // namespace projector::plugin
