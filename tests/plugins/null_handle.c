/* Has no handle. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("null_handle"), BASIC_LIFE};
