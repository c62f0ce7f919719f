/* Ways that end the process, or keep it from ever returning. */
#include "ways_to_die.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static volatile int sink;

/* Not a tail call, so that each one takes stack. */
static __attribute__((noinline)) int overflow(int depth) { // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

void crash_here(void) {
  *(volatile int*)8 = 1; // NOLINT: that is what it is for
}

static void* crash_in_thread(void* unused) {
  crash_here();
  return unused;
}

static void crash_in_a_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, crash_in_thread, NULL);
  pthread_join(thread, NULL);
}

static void lock_twice(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
}

static void close_all_descriptors(void) {
  for (int fd = 0; fd < 1024; ++fd) {
    close(fd);
  }
}

static void take_memory(void) {
  for (;;) {
    char* block = malloc(1u << 20u);
    if (block == NULL) {
      abort();
    }
    memset(block, 1, 1u << 20u);
  }
}

projector_status die(const basic* self, const char* how, const projector_batch* batch, projector_error* error) {
  if (strcmp(how, "segv") == 0) {
    crash_here();
  } else if (strcmp(how, "thread") == 0) {
    crash_in_a_thread();
  } else if (strcmp(how, "abort") == 0) {
    abort();
  } else if (strcmp(how, "exit") == 0) {
    exit(0);
  } else if (strcmp(how, "_exit") == 0) {
    _exit(3);
  } else if (strcmp(how, "kill") == 0) {
    kill(getpid(), SIGKILL);
  } else if (strcmp(how, "stack") == 0) {
    sink = overflow(0);
  } else if (strcmp(how, "loop") == 0) {
    for (;;) {
      sink = 1;
    }
  } else if (strcmp(how, "deadlock") == 0) {
    lock_twice();
  } else if (strcmp(how, "write_event") == 0) {
    ((projector_event*)batch->events[0])->global_position = 1; // NOLINT: likewise
  } else if (strcmp(how, "descriptors") == 0) {
    close_all_descriptors();
  } else if (strcmp(how, "memory") == 0) {
    take_memory();
  } else {
    return disturb(self, how, error);
  }
  return PROJECTOR_OK;
}
