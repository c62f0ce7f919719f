// Lets exceptions out of handle and finished: a std::exception at the first event, an int at the second call, and one
// out of finished when nothing was committed.
#include <projector/plugin.h>

#include <stdexcept>

namespace {

int calls = 0;

projector_status create(const projector_host*, const projector_config*, void** instance, projector_error*) {
  *instance = &calls;
  return PROJECTOR_OK;
}
void destroy(void*) {}
projector_status handle(void*, projector_tx*, const projector_batch*, projector_error*) {
  if (++calls == 1) {
    throw std::runtime_error("thrown by\nhandle");
  }
  throw calls;
}
void finished(void*, int32_t committed) {
  if (committed == 0) {
    throw std::logic_error("thrown by finished");
  }
}

projector_plugin descriptor() {
  projector_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.name = "handle_throws";
  plugin.version = "1.0.0";
  plugin.description = "a test plugin";
  plugin.create = &create;
  plugin.destroy = &destroy;
  plugin.handle = &handle;
  plugin.finished = &finished;
  return plugin;
}

} // namespace

const projector_plugin projector_plugin_v1 = descriptor();
