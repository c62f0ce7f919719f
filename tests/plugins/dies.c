/* Ends its process, or never returns, in the way that the setting `how` names, in the call that `where` names; in
 * handle once the event at `position` or one of the type `event_type` (*: any) comes. Before that it writes the events
 * of each batch into its table. Built again as a version that does no harm, and as one that crashes while it is loaded.
 */
#include "ways_to_die.h"

#ifndef DIES_VERSION
#define DIES_VERSION "1.0.0"
#endif

static const projector_setting_spec kWhere = BASIC_SETTING(STRING, "where", "handle", "The call");
static const projector_setting_spec kHow = BASIC_SETTING(STRING, "how", "segv", "The way");
static const projector_setting_spec kPosition = BASIC_SETTING(INTEGER, "position", "0", "The event");
static const projector_setting_spec kType =
    BASIC_SETTING(STRING, "event_type", "", "Events of this type are meant, too");
static const projector_setting_spec kLibrary = BASIC_SETTING(STRING, "library", "", "The file that `library` opens");
static const projector_setting_spec* const kSettings[] = {&kWhere, &kHow, &kPosition, &kType, &kLibrary, NULL};

#ifdef DIES_ON_LOAD
__attribute__((constructor)) static void crash_on_load(void) {
  crash_here();
}
#endif

static int is_here(const basic* self, const char* here) {
#ifdef DIES_NEVER
  (void)self, (void)here;
  return 0;
#else
  return strcmp(setting(self->config, "where"), here) == 0;
#endif
}

static void die_in(const basic* self, const char* here) {
  if (is_here(self, here)) {
    die(self, setting(self->config, "how"), NULL, NULL);
  }
}

static int is_meant(const basic* self, const projector_event* event) {
  const char* type = setting(self->config, "event_type");
  return strcmp(type, "*") == 0 || event->global_position == setting_number(self->config, "position") ||
         (strlen(type) == event->event_type.size && *type != '\0' &&
          memcmp(type, event->event_type.data, event->event_type.size) == 0);
}

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  const projector_status status = basic_create(host, config, instance, error);
  if (status == PROJECTOR_OK) {
    die_in(*instance, "create");
  }
  return status;
}

static void destroy(void* instance) {
  die_in(instance, "destroy");
  basic_destroy(instance);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  die_in(instance, "setup");
  return seen_setup(instance, tx, error);
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  for (size_t i = 0; i < batch->n_events; ++i) {
    if (is_here(self, "handle") && is_meant(self, batch->events[i])) {
      const projector_status refused = die(self, setting(self->config, "how"), batch, error);
      if (refused != PROJECTOR_OK) {
        error->event_index = (uint32_t)i;
        return refused;
      }
    }
    const projector_status status = seen_add(self, tx, batch, (uint32_t)i, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return PROJECTOR_OK;
}

static void finished(void* instance, int32_t committed) {
  (void)committed;
  die_in(instance, "finished");
}

static projector_status reset(void* instance, projector_tx* tx, projector_error* error) {
  die_in(instance, "reset");
  return seen_reset(instance, tx, error);
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = 1,
                                              .name = "dies",
                                              .version = DIES_VERSION,
                                              .description = "ends its process",
                                              .create = create,
                                              .destroy = destroy,
                                              .settings = kSettings,
                                              .setup = setup,
                                              .handle = handle,
                                              .finished = finished,
                                              .reset = reset};
