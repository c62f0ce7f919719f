/* Says its descriptor is larger than any can be. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {.struct_size = 0x7fffffffu,
                                              .name = "size_huge",
                                              .version = "1.0.0",
                                              .description = "a test plugin",
                                              BASIC_LIFE,
                                              .handle = basic_handle};
