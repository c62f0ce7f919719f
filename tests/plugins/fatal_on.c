/* Writes down what it sees, but says FATAL to a batch that holds `position`. */
#include "basic.h"

static const projector_setting_spec kPosition = {.struct_size = sizeof(projector_setting_spec),
                                                 .type = PROJECTOR_SETTING_INTEGER,
                                                 .key = "position",
                                                 .description = "the position that it cannot survive"};
static const projector_setting_spec* const kSettings[] = {&kPosition, NULL};

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  for (size_t i = 0; i < batch->n_events; ++i) {
    if (batch->events[i]->global_position == setting_number(self->config, "position")) {
      say(error, "cannot go on");
      return PROJECTOR_FATAL;
    }
  }
  return seen_handle(instance, tx, batch, error);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("fatal_on"), BASIC_LIFE,       .settings = kSettings,
                                              .setup = seen_setup,    .handle = handle, .reset = seen_reset};
