#pragma once

#include "plugin/facts.hpp"

#include <projector/plugin.h>

#include <optional>

namespace projector::runner {

/// A descriptor that was read from a loaded library.
struct Descriptor {
  /// For its functions. Fields that the plugin does not have are zero; pointers point into the library.
  projector_plugin plugin = {};
  plugin::Facts facts;
};

struct DescriptorResult {
  std::optional<Descriptor> descriptor;
  std::optional<plugin::Refusal> refusal; ///< its reason continues "FILE "
};
/// Reads the descriptor in the memory of a loaded library, and refuses one that cannot be read: sizes, required
/// pointers, reserved fields, a version that needs a newer host. Reads constant data only and runs nothing of the
/// plugin's. What is longer than judge() accepts is cut one entry, or one byte, behind the limit.
DescriptorResult read_descriptor(const projector_plugin& found);

} // namespace projector::runner
