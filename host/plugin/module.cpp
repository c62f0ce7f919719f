#include "plugin/module.hpp"

#include "base/clean_text.hpp"

#include <vector> // Boost.DLL 1.74 uses it without including it

#include <boost/dll/shared_library.hpp>
#include <fmt/core.h>
#include <sys/statvfs.h>

#include <fstream>
#include <string_view>
#include <system_error>

namespace projector::plugin {

struct Module::Library {
  boost::dll::shared_library value;
};

namespace {

constexpr const char* kEntrySymbol = "projector_plugin_v1";

/// The dynamic loader's message, without the text that Boost.DLL and the error code add.
std::string loader_text(std::string_view text, const std::string& copy) {
  constexpr std::string_view kBefore = "dlerror system message: ";
  if (const auto begin = text.find(kBefore); begin != std::string_view::npos) {
    text.remove_prefix(begin + kBefore.size());
    text = text.substr(0, text.rfind("): "));
  }
  if (text.substr(0, copy.size()) == copy) {
    text.remove_prefix(std::min(text.size(), copy.size() + 2)); // "COPY: "
  }
  return base::clean_text(text, 1000);
}

/// The way out, if the loader's message does not show it.
std::string advice(std::string_view text, const std::filesystem::path& copy) {
  struct statvfs status = {};
  if (::statvfs(copy.c_str(), &status) == 0 && (status.f_flag & ST_NOEXEC) != 0) {
    return fmt::format(
        "; the directory for copies, {}, is on a file system mounted noexec: set plugins.cache to another "
        "(for inspect: TMPDIR)",
        copy.parent_path().string());
  }
  if (text.find("undefined symbol") != std::string_view::npos) {
    return "; link the library that defines it (-z defs shows this when the plugin is linked)";
  }
  if (text.find("cannot open shared object file") != std::string_view::npos) {
    return "; install that library where the dynamic loader finds it (a copy of the plugin is loaded, so $ORIGIN is "
           "not "
           "its directory)";
  }
  return "";
}

Refusal refuse(const StagedFile& file, const std::string& reason) {
  return {false, file.source.string() + " " + reason};
}

} // namespace

Module::Module(StagedFile file, std::unique_ptr<Library> library)
    : file_(std::move(file)), library_(std::move(library)) {}

Module::~Module() {
  library_.reset();
  try {
    if (still_mapped(file_.copy)) {
      return; // a debugger and a core file need it; it goes with the staging directory
    }
  } catch (...) {
    return;
  }
  discard(file_);
}

Module::LoadResult Module::load(StagedFile file) {
  const std::shared_ptr<Module> module(new Module(std::move(file), std::make_unique<Library>()));
  const StagedFile& staged = module->file_;
  boost::dll::shared_library& library = module->library_->value;
  try {
    library.load(staged.copy, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (const std::system_error& error) {
    const std::string text = loader_text(error.what(), staged.copy.string());
    return {nullptr, refuse(staged, "cannot be loaded: " + text + advice(text, staged.copy))};
  }
  if (!library.has(kEntrySymbol)) {
    return {nullptr, refuse(staged, fmt::format("does not export {}, so it is no plugin", kEntrySymbol))};
  }
  DescriptorResult read = read_descriptor(library.get<const projector_plugin>(kEntrySymbol));
  const auto refusal = read.refusal ? read.refusal : judge(read.descriptor->facts, staged.name);
  if (refusal) {
    return {nullptr, refuse(staged, refusal->reason)};
  }
  module->descriptor_ = std::move(*read.descriptor);
  return {module, std::nullopt};
}

bool Module::still_mapped(const std::filesystem::path& copy) {
  const std::string path = std::filesystem::weakly_canonical(copy).string();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto begin = line.find('/');
    if (begin == std::string::npos) {
      continue;
    }
    const std::string_view mapped = std::string_view(line).substr(begin);
    if (mapped == path || mapped == path + " (deleted)") {
      return true;
    }
  }
  return false;
}

} // namespace projector::plugin
