#include "runner/module.hpp"

#include "base/clean_text.hpp"

#include <vector> // Boost.DLL 1.74 uses it without including it

#include <boost/dll/shared_library.hpp>
#include <dlfcn.h>
#include <fmt/core.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

namespace projector::runner {

namespace {

using boost::dll::load_mode::type;
using plugin::Refusal;

constexpr const char* kEntrySymbol = "projector_plugin_v1";
/// Of dlopen, which Boost.DLL passes it on to: closing does not unmap the library.
constexpr auto kForGood = static_cast<type>(RTLD_NODELETE);

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
           "not its directory), and if that is outside /usr and /lib, add its directory to sandbox_read";
  }
  return "";
}

Refusal refuse(const PluginFile& file, const std::string& reason) {
  return {false, file.source.string() + " " + reason};
}

} // namespace

Module::LoadResult Module::load(const PluginFile& file) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  boost::dll::shared_library library;
  try {
    library.load(file.copy, rtld_now | rtld_local | kForGood);
  } catch (const std::system_error& error) {
    const std::string text = loader_text(error.what(), file.copy.string());
    return {std::nullopt, refuse(file, "cannot be loaded: " + text + advice(text, file.copy))};
  }
  if (!library.has(kEntrySymbol)) {
    return {std::nullopt, refuse(file, fmt::format("does not export {}, so it is no plugin", kEntrySymbol))};
  }
  DescriptorResult read = read_descriptor(library.get<const projector_plugin>(kEntrySymbol));
  const auto refusal = read.refusal ? read.refusal : plugin::judge(read.descriptor->facts, file.name);
  if (refusal) {
    return {std::nullopt, refuse(file, refusal->reason)};
  }
  return {Module(std::move(*read.descriptor)), std::nullopt};
}

} // namespace projector::runner
