/* Runs a query that fails in every batch and takes no notice. */
#include "basic.h"

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  const projector_status written = seen_handle(instance, tx, batch, error);
  if (written != PROJECTOR_OK) {
    return written;
  }
  projector_rows* rows = NULL;
  self->host->query(self->host->ctx, tx, 0, PROJECTOR_SQL_ONCE, "SELECT 1 / 0", NULL, 0, &rows, NULL);
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("ignores_failed_query"), BASIC_LIFE, .setup = seen_setup,
                                              .handle = handle, .reset = seen_reset};
