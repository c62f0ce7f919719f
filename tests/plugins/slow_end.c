/* Its destroy makes the file "held" in its state directory, and waits until that is removed. With SLOW_END_ENDS_AT_ONCE
 * it does not. */
#include "basic.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void destroy(void* instance) {
#ifndef SLOW_END_ENDS_AT_ONCE
  const basic* self = instance;
  char file[4096];
  if (snprintf(file, sizeof file, "%s/held", self->config->state_directory) >= (int)sizeof file) {
    abort();
  }
  const int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
  }
  while (access(file, F_OK) == 0) {
    usleep(1000);
  }
#endif
  basic_destroy(instance);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("slow_end"), .create = basic_create, .destroy = destroy,
                                              .setup = seen_setup,    .handle = seen_handle,  .reset = seen_reset};
