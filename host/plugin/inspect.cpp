#include "plugin/inspect.hpp"

#include "base/temporary_directory.hpp"
#include "plugin/description.hpp"

namespace projector::plugin {

Inspection inspect(const std::filesystem::path& file, base::Duration limit) {
  const base::TemporaryDirectory directory("projector-inspect");
  const auto staged = StagedPlugin::stage(file, directory.path(), RunnerHost{}, limit);
  return staged.plugin ? Inspection{true, describe(staged.plugin->file(), staged.plugin->facts())}
                       : Inspection{false, "refused: " + staged.refusal->reason + "\n"};
}

} // namespace projector::plugin
