/* Has every type of setting and every list, for inspect and for the check of settings. */
#include "basic.h"

#define SPEC(id, kind, name, value, bits, text)                                                                        \
  static const projector_setting_spec id = {.struct_size = sizeof(projector_setting_spec),                             \
                                            .type = PROJECTOR_SETTING_##kind,                                          \
                                            .key = name,                                                               \
                                            .default_value = value,                                                    \
                                            .description = text,                                                       \
                                            .flags = bits}
SPEC(kCurrency, STRING, "currency", "EUR", 0, "what sums are in");
SPEC(kLimit, INTEGER, "limit", NULL, 0, "how many at most");
SPEC(kRate, NUMBER, "rate", "0.5", 0, "share kept");
SPEC(kStrict, BOOLEAN, "strict", "false", 0, "refuse what is odd");
SPEC(kRegions, STRINGS, "filter.regions", "", 0, "where to look");
SPEC(kTimeout, DURATION, "timeout", "250ms", 0, "how long to wait");
SPEC(kBuffer, SIZE, "buffer", "64KiB", 0, "how much to keep");
SPEC(kToken, STRING, "token", "hunter2", PROJECTOR_SETTING_SECRET, "how to get in");
SPEC(kPassword, STRING, "password", NULL, PROJECTOR_SETTING_SECRET | PROJECTOR_SETTING_OPTIONAL, NULL);
static const projector_setting_spec* const kSettings[] = {&kCurrency, &kLimit,  &kRate,  &kStrict,   &kRegions,
                                                          &kTimeout,  &kBuffer, &kToken, &kPassword, NULL};
static const char* const kEventTypes[] = {"OrderPlaced", "OrderPaid", NULL};
static const char* const kContexts[] = {"sales", NULL};

const projector_plugin projector_plugin_v1 = {
    BASIC_HEAD("many_settings"), BASIC_LIFE,          .event_types = kEventTypes, .bounded_contexts = kContexts,
    .settings = kSettings,       .setup = seen_setup, .handle = seen_handle,      .reset = seen_reset};
