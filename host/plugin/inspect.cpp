#include "plugin/inspect.hpp"

#include "base/child_answer.hpp"
#include "base/temporary_directory.hpp"
#include "plugin/description.hpp"
#include "plugin/module.hpp"
#include "plugin/staging.hpp"

namespace projector::plugin {

namespace {

namespace fs = std::filesystem;

// The child's answer begins with one of these.
constexpr char kGood = 'g';
constexpr char kRefused = 'r';

std::string examine(const fs::path& file, const fs::path& directory) {
  try {
    StageResult staged = stage(file, directory);
    if (staged.refusal) {
      return kRefused + staged.refusal->reason;
    }
    const Module::LoadResult loaded = Module::load(std::move(*staged.staged));
    return loaded.refusal ? kRefused + loaded.refusal->reason
                          : kGood + describe(loaded.module->file(), loaded.module->facts());
  } catch (const std::exception& error) {
    return kRefused + std::string(error.what());
  }
}

Inspection refused(const std::string& reason) {
  return {false, "refused: " + reason + "\n"};
}

} // namespace

Inspection inspect(const fs::path& file, base::Duration limit) {
  // The parent's, since the child may not live to remove it.
  const base::TemporaryDirectory directory("projector-inspect");
  const auto answer = base::ask_in_child([&] { return examine(file, directory.path()); }, limit);
  if (!answer.answered) {
    return refused(file.string() + " " + answer.text + " while it was loaded");
  }
  return answer.text.front() == kGood ? Inspection{true, answer.text.substr(1)} : refused(answer.text.substr(1));
}

} // namespace projector::plugin
