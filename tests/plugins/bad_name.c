/* Calls itself something else than its file. */
#include "basic.h"

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("another_name"), BASIC_LIFE, .handle = basic_handle};
