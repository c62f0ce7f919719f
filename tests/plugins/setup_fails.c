/* Cannot make its tables. */
#include "basic.h"

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  (void)instance, (void)tx;
  say(error, "the tables cannot be made");
  return PROJECTOR_FATAL;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("setup_fails"), BASIC_LIFE, .setup = setup,
                                              .handle = basic_handle};
