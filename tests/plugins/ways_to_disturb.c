/* Ways that leave the process alive: what it shares with others, or leaves behind, is what they aim at. */
#include "ways_to_die.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static projector_status refused(projector_error* error, const char* what, const char* why) {
  if (error != NULL && error->text_size > 0) {
    snprintf(error->text, error->text_size, "%s: %s", what, why);
  }
  return PROJECTOR_REJECT;
}

/* The child stays in the runner's process group; `daemon`: it leaves it. */
static projector_status leave_child(int daemon, projector_error* error) {
  const pid_t child = fork();
  if (child < 0) {
    return refused(error, "fork", strerror(errno));
  }
  if (child == 0) {
    if (daemon) {
      setsid();
    }
    for (;;) {
      pause();
    }
  }
  return PROJECTOR_OK;
}

static projector_status start_thread(void* (*body)(void*), void* argument, projector_error* error) {
  pthread_t thread;
  const int failure = pthread_create(&thread, NULL, body, argument);
  if (failure != 0) {
    return refused(error, "pthread_create", strerror(failure));
  }
  pthread_detach(thread);
  return PROJECTOR_OK;
}

/* Uses the instance and the host's functions also after destroy, which frees both. */
static void* use_for_ever(void* instance) {
  for (;;) {
    log_text(instance, PROJECTOR_LOG_DEBUG, "still here");
    usleep(100);
  }
  return NULL;
}

typedef struct mapping {
  char* begin;
  size_t size;
} mapping;
static mapping channel;

static uint32_t next_random(void) {
  static uint32_t state;
  if (state == 0) {
    state = (uint32_t)getpid() * 2654435761u | 1u;
  }
  state ^= state << 13u;
  state ^= state >> 17u;
  state ^= state << 5u;
  return state;
}

/* Half of the writes go into the first page, which says whose turn it is and what lies where. */
static void* scribble(void* unused) {
  for (;;) {
    const size_t area = (next_random() & 1u) != 0 ? 4096 : channel.size;
    char* to = channel.begin + next_random() % area;
    size_t bytes = 1u + next_random() % 512;
    for (; bytes > 0 && to < channel.begin + channel.size; --bytes) {
      *(volatile char*)to++ = (char)next_random();
    }
    usleep(next_random() % 2000);
  }
  return unused;
}

static projector_status scribble_over_channel(projector_error* error) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) {
    return refused(error, "/proc/self/maps", strerror(errno));
  }
  char line[512];
  while (channel.begin == NULL && fgets(line, sizeof line, maps) != NULL) {
    char* rest = NULL;
    const uintptr_t begin = strtoull(line, &rest, 16);
    const uintptr_t end = strtoull(rest + 1, NULL, 16);
    if (strstr(line, "projectord channel") != NULL) {
      channel.begin = (char*)begin; // NOLINT(performance-no-int-to-ptr)
      channel.size = end - begin;
    }
  }
  fclose(maps);
  return channel.begin == NULL ? refused(error, "/proc/self/maps", "no channel") : start_thread(scribble, NULL, error);
}

static projector_status change_surroundings(projector_error* error) {
  sigset_t all;
  sigfillset(&all);
  umask(0777);
  if (chdir("/") != 0 || pthread_sigmask(SIG_BLOCK, &all, NULL) != 0 || setlocale(LC_ALL, "C.UTF-8") == NULL ||
      setenv("TZ", "Asia/Tokyo", 1) != 0) {
    return refused(error, "surroundings", strerror(errno));
  }
  return PROJECTOR_OK;
}

static void print_much(void) {
  puts("a line on standard output");
  fflush(stdout);
  for (int line = 0; line < 100000; ++line) {
    puts("and another one");
  }
  fflush(stdout);
}

static projector_status open_library(const char* file, projector_error* error) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    return refused(error, "dlopen", dlerror());
  }
  int (*start)(void) = NULL;
  *(void**)&start = dlsym(library, "start_thread_of_library");
  return start != NULL && start() == 0 ? PROJECTOR_OK : refused(error, file, "no thread");
}

projector_status disturb(const basic* self, const char* how, projector_error* error) {
  if (strcmp(how, "fork") == 0) {
    return leave_child(0, error);
  }
  if (strcmp(how, "fork_daemon") == 0) {
    return leave_child(1, error);
  }
  if (strcmp(how, "leave_thread") == 0) {
    return start_thread(use_for_ever, (void*)self, error); // NOLINT: a plugin that forgets const
  }
  if (strcmp(how, "channel") == 0) {
    return scribble_over_channel(error);
  }
  if (strcmp(how, "surroundings") == 0) {
    return change_surroundings(error);
  }
  if (strcmp(how, "library") == 0) {
    return open_library(setting(self->config, "library"), error);
  }
  if (strcmp(how, "print") == 0) {
    print_much();
  }
  return PROJECTOR_OK;
}
