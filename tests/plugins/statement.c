/* Runs the SQL of its settings: `setup` and `reset` there, `exec` once for each event and `query` once in each batch;
 * logs the first cell of the query's result. Its tables are whatever that SQL names, so it cannot keep projections
 * apart. */
#include "basic.h"

static const projector_setting_spec kSetup = BASIC_SETTING(STRING, "setup", "", "SQL for setup");
static const projector_setting_spec kExec = BASIC_SETTING(STRING, "exec", "", "SQL for each event");
static const projector_setting_spec kQuery = BASIC_SETTING(STRING, "query", "", "SQL for each batch, with a result");
static const projector_setting_spec kReset = BASIC_SETTING(STRING, "reset", "", "SQL for reset");
static const projector_setting_spec* const kSettings[] = {&kSetup, &kExec, &kQuery, &kReset, NULL};

static projector_status run_setting(const basic* self, projector_tx* tx, const char* key, projector_error* error) {
  const char* sql = setting(self->config, key);
  return *sql == '\0' ? PROJECTOR_OK : run(self, tx, sql, error);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  return run_setting(instance, tx, "setup", error);
}

static projector_status reset(void* instance, projector_tx* tx, projector_error* error) {
  return run_setting(instance, tx, "reset", error);
}

static projector_status run_query(const basic* self, projector_tx* tx, projector_error* error) {
  const projector_host* host = self->host;
  const char* sql = setting(self->config, "query");
  projector_rows* rows = NULL;
  if (*sql == '\0') {
    return PROJECTOR_OK;
  }
  const projector_status status = host->query(host->ctx, tx, PROJECTOR_NO_EVENT, 0, sql, NULL, 0, &rows, error);
  projector_value cell;
  if (status == PROJECTOR_OK && host->rows_get(host->ctx, rows, 0, 0, &cell)) {
    projector_str message = {cell.data == NULL ? "NULL" : cell.data, cell.data == NULL ? 4 : cell.size};
    host->log(host->ctx, PROJECTOR_LOG_INFO, message);
  }
  host->rows_free(host->ctx, rows);
  return status;
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  const char* sql = setting(self->config, "exec");
  for (size_t i = 0; *sql != '\0' && i < batch->n_events; ++i) {
    const projector_status status = self->host->exec(self->host->ctx, tx, (uint32_t)i, 0, sql, NULL, 0, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return run_query(self, tx, error);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD_WITH("statement", 0),
                                              BASIC_LIFE,
                                              .settings = kSettings,
                                              .setup = setup,
                                              .handle = handle,
                                              .reset = reset};
