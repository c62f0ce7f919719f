/* Takes its time: `delay` in each handle call. Returns RETRY when the host wants it to stop, unless `heed_stop` is
 * false. */
#include "basic.h"

#include <time.h>

static const projector_setting_spec kDelay =
    BASIC_SETTING(DURATION, "delay", "10ms", "how long each handle call takes");
static const projector_setting_spec kHeed =
    BASIC_SETTING(BOOLEAN, "heed_stop", "true", "look at stopping() while waiting");
static const projector_setting_spec* const kSettings[] = {&kDelay, &kHeed, NULL};

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  basic* self = instance;
  const int heed = strcmp(setting(self->config, "heed_stop"), "true") == 0;
  const struct timespec millisecond = {0, 1000000};
  for (int64_t left = setting_number(self->config, "delay"); left > 0; left -= 1000) {
    if (heed && self->host->stopping(self->host->ctx)) {
      say(error, "asked to stop");
      return PROJECTOR_RETRY;
    }
    nanosleep(&millisecond, NULL);
  }
  return seen_handle(instance, tx, batch, error);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("slow"),  BASIC_LIFE,       .settings = kSettings,
                                              .setup = seen_setup, .handle = handle, .reset = seen_reset};
