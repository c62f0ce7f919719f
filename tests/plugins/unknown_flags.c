/* Sets a flag that no host knows. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {BASIC_HEAD_WITH("unknown_flags", 0x80000000u), BASIC_LIFE,
                                              .handle = basic_handle};
