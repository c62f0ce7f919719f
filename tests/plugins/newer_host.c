/* Needs a host that does not exist yet. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = 7,
                                              .name = "newer_host",
                                              .version = "1.0.0",
                                              .description = "a test plugin",
                                              BASIC_LIFE,
                                              .min_host_minor = 7,
                                              .handle = basic_handle};
