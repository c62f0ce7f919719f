/* Accepts every event and does nothing: what is left is the cost of the host. */
#include <projector/plugin.h>

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  (void)config, (void)error;
  *instance = (void*)host;
  return PROJECTOR_OK;
}

static void destroy(void* instance) {
  (void)instance;
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)instance, (void)tx, (void)batch, (void)error;
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = 1,
                                              .name = "bench_noop",
                                              .version = "1",
                                              .description = "accepts every event",
                                              .create = create,
                                              .destroy = destroy,
                                              .handle = handle};
