/* Sets a flag that no host knows. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("unknown_flags"), BASIC_LIFE, .flags = 0x80000000u,
                                              .handle = basic_handle};
