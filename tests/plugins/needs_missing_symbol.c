/* Calls a function that nobody defines. */
#include "basic.h"

extern int projector_test_missing_function(void);

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)instance, (void)tx, (void)batch, (void)error;
  return projector_test_missing_function();
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("needs_missing_symbol"), BASIC_LIFE, .handle = handle};
