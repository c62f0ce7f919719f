/* Says in create that it cannot work. */
#include "basic.h"

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  (void)host, (void)config, (void)instance;
  say(error, "no route to the\nmoon \xff");
  return PROJECTOR_FATAL;
}

/* Never to be called, since create failed. */
static void destroy(void* instance) {
  (void)instance;
  abort();
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("create_fails"), .create = create, .destroy = destroy,
                                              .handle = basic_handle};
