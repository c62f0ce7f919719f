/* A plugin as its author has it: built against an installed SDK, with every helper for C in use. */
#include <projector/plugin_c.h>

static const projector_host* used_host;

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  int64_t limit = 0;
  if (!projector_find_setting_int8(config, "limit", &limit)) {
    return projector_fail(error, PROJECTOR_FATAL, PROJECTOR_NO_EVENT, "'%s' has no limit", config->projection_name);
  }
  used_host = host;
  projector_log(host, PROJECTOR_LOG_INFO, "made");
  *instance = &used_host;
  return PROJECTOR_OK;
}

static void destroy(void* instance) {
  (void)instance;
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const projector_host* const host = *(const projector_host**)instance;
  for (size_t i = 0; i < batch->n_events; ++i) {
    const projector_event* const event = batch->events[i];
    char position[8];
    char time[8];
    const projector_value values[] = {projector_int8(event->global_position, position),
                                      projector_timestamptz(event->created_at_us, time),
                                      projector_uuid(event->event_id),
                                      projector_text(event->trace_id),
                                      projector_bytea(event->payload),
                                      projector_text_z("c"),
                                      projector_bool(1),
                                      projector_null()};
    projector_rows* rows = NULL;
    const projector_status status = host->query(host->ctx, tx, (uint32_t)i, 0, "SELECT $1, $2, $3, $4, $5, $6, $7, $8",
                                                values, sizeof values / sizeof values[0], &rows, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
    int64_t number = 0;
    projector_str text = {NULL, 0};
    if (!projector_cell_int8(host, rows, 0, 0, &number) || !projector_cell_text(host, rows, 0, 5, &text)) {
      return projector_fail(error, PROJECTOR_REJECT, (uint32_t)i, "no row");
    }
    host->rows_free(host->ctx, rows);
  }
  return PROJECTOR_OK;
}

static const projector_setting_spec limit = {sizeof limit, PROJECTOR_SETTING_INTEGER, "limit", "10", "How many", 0, 0};
static const projector_setting_spec* const settings[] = {&limit, NULL};

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .name = "c_author",
                                              .version = "1",
                                              .description = "In C, by pkg-config",
                                              .settings = settings,
                                              .create = create,
                                              .destroy = destroy,
                                              .handle = handle};
