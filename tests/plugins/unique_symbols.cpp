// Built without the version script and with -fgnu-unique, so that a template's static member becomes a GNU_UNIQUE
// symbol.
#include <projector/plugin.h>

template <class T>
struct __attribute__((visibility("default"))) Shared {
  static int value;
};
template <class T>
int Shared<T>::value = 1;

namespace {

projector_status create(const projector_host*, const projector_config*, void** instance, projector_error*) {
  *instance = &Shared<int>::value;
  return PROJECTOR_OK;
}
void destroy(void*) {}
projector_status handle(void*, projector_tx*, const projector_batch*, projector_error*) {
  return PROJECTOR_OK;
}

projector_plugin descriptor() {
  projector_plugin plugin = {};
  plugin.struct_size = sizeof plugin;
  plugin.name = "unique_symbols";
  plugin.version = "1.0.0";
  plugin.description = "a test plugin";
  plugin.create = &create;
  plugin.destroy = &destroy;
  plugin.handle = &handle;
  return plugin;
}

} // namespace

const projector_plugin projector_plugin_v1 = descriptor();
