/* Does not say how large its descriptor is. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {.struct_size = 0,
                                              .name = "size_zero",
                                              .version = "1.0.0",
                                              .description = "a test plugin",
                                              BASIC_LIFE,
                                              .handle = basic_handle};
