/* Kills the process that loads it. */
#include "basic.h"

#include <signal.h>

__attribute__((constructor)) static void crash(void) {
  raise(SIGSEGV);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("crashes_on_load"), BASIC_LIFE, .handle = basic_handle};
