/* Effects leave the database: appends a line "partition position" for each event to the file `events` in its state
 * directory. Says RETRY after the event at `retry_after` once, with the events before it done. */
#include "basic.h"

static const projector_setting_spec kRetry = BASIC_SETTING(INTEGER, "retry_after", "0", "a position; 0: never");
static const projector_setting_spec* const kSettings[] = {&kRetry, NULL};

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  basic* self = instance;
  char path[4096];
  if (tx != NULL || self->config->state_directory == NULL) {
    say(error, tx != NULL ? "an EXTERNAL plugin was given a tx" : "needs a state directory");
    return PROJECTOR_FATAL;
  }
  snprintf(path, sizeof path, "%s/events", self->config->state_directory);
  FILE* file = fopen(path, "a");
  if (file == NULL) {
    say(error, "cannot open the file");
    return PROJECTOR_RETRY;
  }
  projector_status status = PROJECTOR_OK;
  for (size_t i = 0; status == PROJECTOR_OK && i < batch->n_events; ++i) {
    const int64_t position = batch->events[i]->global_position;
    fprintf(file, "%u %lld\n", self->config->partition_key, (long long)position);
    if (self->calls == 0 && position == setting_number(self->config, "retry_after")) {
      self->calls = 1;
      say(error, "the other side hung up");
      error->event_index = (uint32_t)i + 1;
      status = PROJECTOR_RETRY;
    }
  }
  fclose(file);
  return status;
}

const projector_plugin projector_plugin_v1 = {
    BASIC_HEAD_WITH("external", PROJECTOR_PLUGIN_EXTERNAL | PROJECTOR_PLUGIN_TABLES_BY_PROJECTION), BASIC_LIFE,
    .settings = kSettings, .handle = handle};
