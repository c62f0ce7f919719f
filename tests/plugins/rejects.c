/* Writes down what it sees, but rejects the event of type `event_type` or at `position`, and says which unless `tell`
 * is false. */
#include "basic.h"

static const projector_setting_spec kType = BASIC_SETTING(STRING, "event_type", "", "the type to reject; empty: none");
static const projector_setting_spec kPosition =
    BASIC_SETTING(INTEGER, "position", "0", "the position to reject; 0: none");
static const projector_setting_spec kTell = BASIC_SETTING(BOOLEAN, "tell", "true", "say which event it is");
static const projector_setting_spec* const kSettings[] = {&kType, &kPosition, &kTell, NULL};

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  const char* type = setting(self->config, "event_type");
  const int64_t position = setting_number(self->config, "position");
  for (size_t i = 0; i < batch->n_events; ++i) {
    const projector_event* event = batch->events[i];
    const int of_type = event->event_type.size > 0 && event->event_type.size == strlen(type) &&
                        memcmp(event->event_type.data, type, event->event_type.size) == 0;
    if (of_type || event->global_position == position) {
      char text[96];
      snprintf(text, sizeof text, "rejected position %lld", (long long)event->global_position);
      const int tell = strcmp(setting(self->config, "tell"), "true") == 0;
      say(error, tell ? text : "rejected one of them");
      error->event_index = tell ? (uint32_t)i : PROJECTOR_NO_EVENT;
      return PROJECTOR_REJECT;
    }
    const projector_status status = seen_add(self, tx, batch, (uint32_t)i, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("rejects"), BASIC_LIFE,       .settings = kSettings,
                                              .setup = seen_setup,   .handle = handle, .reset = seen_reset};
