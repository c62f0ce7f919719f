/* What the plugin `dies` can do to its process, by the names of its setting `how`. */
#ifndef PROJECTOR_TESTS_WAYS_TO_DIE_H
#define PROJECTOR_TESTS_WAYS_TO_DIE_H
#include "basic.h"

/* Does what `how` names. Some ways never return; others leave the process damaged and return OK, or REJECT where the
 * system refuses them. `batch` is NULL outside of handle. */
projector_status die(const basic* self, const char* how, const projector_batch* batch, projector_error* error);

/* Likewise where a status cannot be returned. Returns OK for a way that is not one of the process's own end. */
projector_status disturb(const basic* self, const char* how, projector_error* error);

/* Writes to an address that is mapped nowhere. */
void crash_here(void);

#endif
