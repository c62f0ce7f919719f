/* The reference: writes each event that it handles into <projection_name>_seen, once. Built in several versions, see
 * CMakeLists.txt. */
#include "basic.h"

#ifndef RECORDER_VERSION
#define RECORDER_VERSION "1.0.0"
#endif
#ifndef RECORDER_READ_MODEL_VERSION
#define RECORDER_READ_MODEL_VERSION 1
#endif

#ifdef RECORDER_BROKEN
static projector_status broken_handle(void* instance, projector_tx* tx, const projector_batch* batch,
                                      projector_error* error) {
  (void)instance, (void)tx, (void)batch;
  say(error, "this version is broken");
  return PROJECTOR_FATAL;
}
#define HANDLE broken_handle
#else
#define HANDLE seen_handle
#endif

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = RECORDER_READ_MODEL_VERSION,
                                              .name = "recorder",
                                              .version = RECORDER_VERSION,
                                              .description = "records the events that it handles",
                                              BASIC_LIFE,
                                              .setup = seen_setup,
                                              .handle = HANDLE,
                                              .reset = seen_reset};
