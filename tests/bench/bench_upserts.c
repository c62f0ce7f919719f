/* One upsert an event, the aggregate's row. */
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

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  const projector_host* host = instance;
  return host->exec(
      host->ctx, tx, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE,
      "CREATE TABLE IF NOT EXISTS bench_upserts (id text PRIMARY KEY, events bigint NOT NULL, last bigint "
      "NOT NULL) WITH (fillfactor = 50)",
      NULL, 0, error);
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const projector_host* host = instance;
  for (size_t index = 0; index < batch->n_events; ++index) {
    const projector_event* event = batch->events[index];
    char position[8];
    for (int byte = 0; byte < 8; ++byte) {
      position[byte] = (char)((uint64_t)event->global_position >> (56 - 8 * byte));
    }
    const projector_value params[] = {{event->aggregate_id.data, event->aggregate_id.size, 25, 0},
                                      {position, sizeof position, 20, 1}};
    const projector_status status =
        host->exec(host->ctx, tx, (uint32_t)index, 0,
                   "INSERT INTO bench_upserts VALUES ($1, 1, $2) ON CONFLICT (id) DO UPDATE SET events = "
                   "bench_upserts.events + 1, last = excluded.last",
                   params, 2, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = 1,
                                              .name = "bench_upserts",
                                              .version = "1",
                                              .description = "one upsert an event",
                                              .create = create,
                                              .destroy = destroy,
                                              .setup = setup,
                                              .handle = handle};
