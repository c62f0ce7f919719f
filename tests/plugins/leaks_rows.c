/* Asks for rows and never frees them; reads every cell and one past the end in each direction. */
#include "basic.h"

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  basic* self = instance;
  const projector_host* host = self->host;
  for (size_t i = 0; i < batch->n_events; ++i) {
    projector_rows* rows = NULL;
    const projector_status status = host->query(host->ctx, tx, (uint32_t)i, 0, "SELECT 1, 2", NULL, 0, &rows, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
    projector_value value;
    const size_t n_rows = host->rows_count(host->ctx, rows);
    const size_t n_columns = host->rows_columns(host->ctx, rows);
    if (host->rows_get(host->ctx, rows, n_rows, 0, &value) || host->rows_get(host->ctx, rows, 0, n_columns, &value)) {
      say(error, "there is a cell beyond the end");
      return PROJECTOR_FATAL;
    }
  }
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("leaks_rows"), BASIC_LIFE, .handle = handle};
