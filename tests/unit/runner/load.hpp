#pragma once

#include "plugin/staging.hpp"
#include "runner/module.hpp"

#include <gtest/gtest.h>

namespace projector::runner {

/// Loads a good plugin into the test's own process.
inline Module load(const plugin::StagedFile& file) {
  auto result = Module::load({file.copy, file.source, file.name});
  EXPECT_FALSE(result.refusal) << result.refusal->reason;
  return std::move(result.module).value();
}

} // namespace projector::runner
