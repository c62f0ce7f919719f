/* Runs one query a batch, and nothing else. */
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
  (void)batch;
  const projector_host* host = instance;
  projector_rows* rows = NULL;
  const projector_status status = host->query(host->ctx, tx, PROJECTOR_NO_EVENT, 0, "SELECT 1", NULL, 0, &rows, error);
  if (status == PROJECTOR_OK) {
    host->rows_free(host->ctx, rows);
  }
  return status;
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = 1,
                                              .name = "bench_queries",
                                              .version = "1",
                                              .description = "one query a batch",
                                              .create = create,
                                              .destroy = destroy,
                                              .handle = handle};
