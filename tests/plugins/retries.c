/* Writes down what it sees, but says RETRY the first `times` times that a batch holds `position` (0: the first
 * batches). */
#include "basic.h"

static const projector_setting_spec kTimes = BASIC_SETTING(INTEGER, "times", "1", "how often to say RETRY");
static const projector_setting_spec kPosition =
    BASIC_SETTING(INTEGER, "position", "0", "the position that needs it; 0: any");
static const projector_setting_spec* const kSettings[] = {&kTimes, &kPosition, NULL};

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  basic* self = instance;
  const int64_t position = setting_number(self->config, "position");
  int due = position == 0;
  for (size_t i = 0; i < batch->n_events; ++i) {
    due = due || batch->events[i]->global_position == position;
  }
  if (due && self->calls < setting_number(self->config, "times")) {
    ++self->calls;
    say(error, "not yet");
    return PROJECTOR_RETRY;
  }
  return seen_handle(instance, tx, batch, error);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("retries"), BASIC_LIFE,       .settings = kSettings,
                                              .setup = seen_setup,   .handle = handle, .reset = seen_reset};
