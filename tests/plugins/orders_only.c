/* As recorder, but for OrderPlaced events alone, and so slowly that whatever reads for it is ahead of it. */
#include "basic.h"

#include <time.h>

static const char* const kEventTypes[] = {"OrderPlaced", NULL};

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);
  return seen_handle(instance, tx, batch, error);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("orders_only"), BASIC_LIFE,       .event_types = kEventTypes,
                                              .setup = seen_setup,       .handle = handle, .reset = seen_reset};
