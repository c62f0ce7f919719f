// Its static initialiser throws.
#include <projector/plugin.h>

#include <stdexcept>

namespace {

projector_plugin descriptor() {
  throw std::runtime_error("thrown while loading");
}

} // namespace

const projector_plugin projector_plugin_v1 = descriptor();
