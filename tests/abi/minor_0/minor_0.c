/* A plugin that was built before there was a minor 1. It writes one row for each event. */
#include <projector/plugin.h>

_Static_assert(PROJECTOR_ABI_MINOR == 0u && sizeof(projector_batch) == 40, "built against another header");

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  (void)config, (void)error;
  static const projector_host* used_host;
  used_host = host;
  *instance = &used_host;
  return PROJECTOR_OK;
}

static void destroy(void* instance) {
  (void)instance;
}

static projector_status change(void* instance, projector_tx* tx, projector_error* error) {
  const projector_host* const host = *(const projector_host**)instance;
  return host->exec(host->ctx, tx, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE, "DELETE FROM sales_seen", NULL, 0, error);
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const projector_host* const host = *(const projector_host**)instance;
  for (size_t i = 0; i < batch->n_events; ++i) {
    const projector_str id = batch->events[i]->aggregate_id;
    const projector_value values[] = {{id.data, id.size, 0, 0}};
    const projector_status status =
        host->exec(host->ctx, tx, (uint32_t)i, 0, "INSERT INTO sales_seen VALUES ($1)", values, 1, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .read_model_version = 1,
                                              .name = "minor_0",
                                              .version = "1",
                                              .description = "Built against the header of minor 0",
                                              .create = create,
                                              .destroy = destroy,
                                              .setup = change,
                                              .handle = handle,
                                              .reset = change};
