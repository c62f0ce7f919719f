// Lets a C++ exception out of create.
#include <projector/plugin.h>

#include <stdexcept>

namespace {

projector_status create(const projector_host*, const projector_config*, void**, projector_error*) {
  throw std::runtime_error("thrown by create");
}
void destroy(void*) {}
projector_status handle(void*, projector_tx*, const projector_batch*, projector_error*) {
  return PROJECTOR_OK;
}

projector_plugin descriptor() {
  projector_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.name = "create_throws";
  plugin.version = "1.0.0";
  plugin.description = "a test plugin";
  plugin.create = &create;
  plugin.destroy = &destroy;
  plugin.handle = &handle;
  return plugin;
}

} // namespace

const projector_plugin projector_plugin_v1 = descriptor();
