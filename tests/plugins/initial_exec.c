/* Has thread-local data in the block whose size is fixed when the process starts. The loader keeps a small reserve
 * there, enough for a few copies of this plugin in one process. */
#include "basic.h"

static _Thread_local __attribute__((tls_model("initial-exec"))) volatile char block[256];

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  for (size_t i = 0; i < sizeof block; ++i) {
    if (block[i] != (char)(block[0] + (char)i)) {
      say(error, "the thread-local block holds another value than was written");
      return PROJECTOR_FATAL;
    }
    block[i] = (char)i;
  }
  return seen_handle(instance, tx, batch, error);
}

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  for (size_t i = 0; i < sizeof block; ++i) {
    block[i] = (char)i;
  }
  return basic_create(host, config, instance, error);
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("initial_exec"), .create = create, .destroy = basic_destroy,
                                              .setup = seen_setup,        .handle = handle, .reset = seen_reset};
