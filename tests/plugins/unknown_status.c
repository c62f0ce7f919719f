/* Returns a status that the interface does not have. */
#include "basic.h"

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)instance, (void)tx, (void)batch;
  say(error, "what is this");
  return 42;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("unknown_status"), BASIC_LIFE, .handle = handle};
