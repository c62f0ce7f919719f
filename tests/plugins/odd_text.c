/* Its version, what it logs and why it fails are no UTF-8 and hold control characters. */
#include "basic.h"

#define ODD "odd \xff\x1b[2J\r\ntext"

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)tx, (void)batch;
  log_text(instance, PROJECTOR_LOG_WARN, ODD);
  say(error, ODD);
  return PROJECTOR_RETRY;
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .read_model_version = 1,
                                              .name = "odd_text",
                                              .version = ODD,
                                              .description = ODD,
                                              BASIC_LIFE,
                                              .handle = handle};
