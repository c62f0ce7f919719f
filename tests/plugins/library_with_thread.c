/* A library whose thread runs until the process ends. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

__attribute__((visibility("default"))) int start_thread_of_library(void);

static void* run(void* unused) {
  for (;;) {
    usleep(1000);
  }
  return unused;
}

int start_thread_of_library(void) {
  pthread_t thread;
  return pthread_create(&thread, NULL, run, NULL);
}
