#pragma once

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace projector::plugin {

/// What is wrong with the arguments of an exec or query; empty if they are valid.
std::string check_arguments(std::uint32_t flags, const char* sql, const projector_value* params, std::size_t n_params);

} // namespace projector::plugin
