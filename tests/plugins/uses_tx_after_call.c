/* Keeps the tx of its first call and uses it in finished and in the second call. */
#include "basic.h"

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  basic* self = instance;
  (void)batch;
  if (self->old_tx != NULL) {
    return run(self, self->old_tx, "SELECT 'from an old call'", error);
  }
  self->old_tx = tx;
  return run(self, tx, "SELECT 'from this call'", error);
}

static void finished(void* instance, int32_t committed) {
  basic* self = instance;
  (void)committed;
  if (self->old_tx != NULL) {
    run(self, self->old_tx, "SELECT 'from finished'", NULL);
  }
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("uses_tx_after_call"), BASIC_LIFE, .handle = handle,
                                              .finished = finished};
