/* A shared object that is no plugin. */
#include <projector/plugin.h>

PROJECTOR_EXPORT int something_else(void);
int something_else(void) {
  return 1;
}
