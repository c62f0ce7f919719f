#pragma once

#include "base/unique_fd.hpp"
#include "plugin/known_facts.hpp"
#include "plugin/runner_program.hpp"
#include "plugin/runners.hpp"

#include <cstddef>
#include <memory>

namespace projector::plugin {

/// The memory in which all events lie that are handed to plugins.
struct SharedEvents {
  base::UniqueFd descriptor; ///< allows reading only
  const void* address = nullptr;
  std::size_t size = 0;
};

/// What all runners of a process have in common. A value; any thread.
struct RunnerHost {
  std::shared_ptr<Runners> runners = std::make_shared<Runners>();
  std::shared_ptr<const RunnerProgram> program = std::make_shared<RunnerProgram>(RunnerProgram::find());
  std::shared_ptr<KnownFacts> known_facts = std::make_shared<KnownFacts>();
  std::shared_ptr<const SharedEvents> events = {}; ///< null: none, for runners that only tell facts
};

} // namespace projector::plugin
