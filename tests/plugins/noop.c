/* Counts, and does nothing else. The count is static: each copy of the library has its own. */
#include "basic.h"

static int64_t counted = 0;

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)instance, (void)tx, (void)error;
  counted += (int64_t)batch->n_events;
  return PROJECTOR_OK;
}

static void destroy(void* instance) {
  char text[64];
  snprintf(text, sizeof text, "%lld events", (long long)counted);
  log_text(instance, PROJECTOR_LOG_DEBUG, text);
  free(instance);
}

static projector_status reset(void* instance, projector_tx* tx, projector_error* error) {
  (void)instance, (void)tx, (void)error;
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("noop"), .create = basic_create, .destroy = destroy,
                                              .handle = handle, .reset = reset};
