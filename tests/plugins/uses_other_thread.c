/* Runs its statement on a thread of its own and hides the verdict. */
#include "basic.h"

#include <pthread.h>

typedef struct job {
  basic* self;
  projector_tx* tx;
} job;

static void* work(void* argument) {
  const job* todo = argument;
  run(todo->self, todo->tx, "SELECT 'from another thread'", NULL);
  return NULL;
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  job todo = {instance, tx};
  pthread_t thread;
  (void)batch;
  if (pthread_create(&thread, NULL, work, &todo) != 0) {
    say(error, "no thread");
    return PROJECTOR_RETRY;
  }
  pthread_join(thread, NULL);
  return PROJECTOR_OK;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("uses_other_thread"), BASIC_LIFE, .handle = handle};
