/* Runs no statement: it only takes its events, and rejects the one at `position`. Built with effects outside of the
 * database as well, and with a filter that no event passes. */
#include "basic.h"

#ifndef QUIET_NAME
#define QUIET_NAME "quiet"
#endif
#ifndef QUIET_FLAGS
#define QUIET_FLAGS PROJECTOR_PLUGIN_TABLES_BY_PROJECTION
#endif

static const projector_setting_spec kPosition =
    BASIC_SETTING(INTEGER, "position", "0", "the position to reject; 0: none");
static const projector_setting_spec* const kSettings[] = {&kPosition, NULL};

#ifdef QUIET_EVENT_TYPE
static const char* const kEventTypes[] = {QUIET_EVENT_TYPE, NULL};
#define FILTER .event_types = kEventTypes,
#else
#define FILTER
#endif

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)tx;
  const basic* self = instance;
  for (size_t i = 0; i < batch->n_events; ++i) {
    if (batch->events[i]->global_position == setting_number(self->config, "position")) {
      error->event_index = (uint32_t)i;
      say(error, "rejected by the quiet one");
      return PROJECTOR_REJECT;
    }
  }
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD_WITH(QUIET_NAME, QUIET_FLAGS), BASIC_LIFE,
                                              .settings = kSettings, FILTER.handle = handle};
