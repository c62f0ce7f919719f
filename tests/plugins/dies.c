/* Ends its process, or never returns, in the way that the setting `how` names, in the call that `where` names; in
 * handle once the event at `position` comes. Before that it writes the events of each batch into its table. */
#include "basic.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static const projector_setting_spec kWhere = BASIC_SETTING(STRING, "where", "handle", "The call");
static const projector_setting_spec kHow = BASIC_SETTING(STRING, "how", "segv", "The way");
static const projector_setting_spec kPosition = BASIC_SETTING(INTEGER, "position", "0", "The event");
static const projector_setting_spec* const kSettings[] = {&kWhere, &kHow, &kPosition, NULL};

static volatile int sink;

/* Not a tail call, so that each one takes stack. */
static __attribute__((noinline)) int overflow(int depth) { // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

static void* write_to_null(void* unused) {
  (void)unused;
  *(volatile int*)8 = 1; // NOLINT: that is what it is for
  return NULL;
}

static void lock_twice(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
}

static void crash_in_a_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, write_to_null, NULL);
  pthread_join(thread, NULL);
}

static void die(const char* how, const projector_batch* batch) {
  if (strcmp(how, "segv") == 0) {
    write_to_null(NULL);
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
    for (int fd = 0; fd < 1024; ++fd) {
      close(fd);
    }
  } else if (strcmp(how, "memory") == 0) {
    for (;;) {
      char* block = malloc(1u << 20u);
      if (block == NULL) {
        abort();
      }
      memset(block, 1, 1u << 20u);
    }
  }
}

static void die_in(const basic* self, const char* here) {
  if (strcmp(setting(self->config, "where"), here) == 0) {
    die(setting(self->config, "how"), NULL);
  }
}

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  const projector_status status = basic_create(host, config, instance, error);
  if (status == PROJECTOR_OK) {
    die_in(*instance, "create");
  }
  return status;
}

static void destroy(void* instance) {
  die_in(instance, "destroy");
  basic_destroy(instance);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  die_in(instance, "setup");
  return seen_setup(instance, tx, error);
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  const int64_t position = setting_number(self->config, "position");
  for (size_t i = 0; i < batch->n_events; ++i) {
    if (strcmp(setting(self->config, "where"), "handle") == 0 && batch->events[i]->global_position == position) {
      die(setting(self->config, "how"), batch);
    }
    const projector_status status = seen_add(self, tx, batch, (uint32_t)i, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return PROJECTOR_OK;
}

static void finished(void* instance, int32_t committed) {
  (void)committed;
  die_in(instance, "finished");
}

static projector_status reset(void* instance, projector_tx* tx, projector_error* error) {
  die_in(instance, "reset");
  return seen_reset(instance, tx, error);
}

const projector_plugin projector_plugin_v1 = {
    BASIC_HEAD("dies"), .create = create, .destroy = destroy,   .settings = kSettings,
    .setup = setup,     .handle = handle, .finished = finished, .reset = reset,
};
