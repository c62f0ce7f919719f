/* Declares a setting of a type that no host knows. */
#include "basic.h"

static const projector_setting_spec kSetting = {
    .struct_size = sizeof(projector_setting_spec), .type = 99, .key = "colour", .description = "no type"};
static const projector_setting_spec* const kSettings[] = {&kSetting, NULL};

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("bad_setting"), BASIC_LIFE, .settings = kSettings,
                                              .handle = basic_handle};
