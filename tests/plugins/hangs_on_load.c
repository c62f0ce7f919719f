/* Loading it never ends. */
#include "basic.h"

#include <unistd.h>

__attribute__((constructor)) static void hang(void) {
  for (;;) {
    pause();
  }
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("hangs_on_load"), BASIC_LIFE, .handle = basic_handle};
