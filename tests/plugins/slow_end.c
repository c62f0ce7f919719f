/* Its finaliser makes the file that SLOW_END_FILE names, and waits until it is removed. With SLOW_END_ENDS_AT_ONCE it
 * has none. */
#include "basic.h"

#include <fcntl.h>
#include <unistd.h>

#ifndef SLOW_END_ENDS_AT_ONCE
__attribute__((destructor)) static void finish(void) {
  const char* file = getenv("SLOW_END_FILE");
  if (file == NULL) {
    return;
  }
  const int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
  }
  while (access(file, F_OK) == 0) {
    usleep(1000);
  }
}
#endif

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("slow_end"), BASIC_LIFE, .setup = seen_setup,
                                              .handle = seen_handle, .reset = seen_reset};
