/* Writes each event that it handles into <projection_name>_seen, each setup into <projection_name>_setups, and each
 * batch that is another attempt into <projection_name>_repeats. So it shows whether its instance was made again, or a
 * batch of it repeated. */
#include "basic.h"

static projector_status run_on(const basic* self, projector_tx* tx, const char* format, projector_error* error) {
  char sql[256];
  snprintf(sql, sizeof sql, format, self->config->projection_name); // NOLINT(clang-diagnostic-format-nonliteral)
  return run(self, tx, sql, error);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  const basic* self = instance;
  projector_status status = seen_setup(instance, tx, error);
  if (status == PROJECTOR_OK) {
    status = run_on(self, tx, "CREATE TABLE IF NOT EXISTS %s_setups (at timestamptz NOT NULL DEFAULT now())", error);
  }
  if (status == PROJECTOR_OK) {
    status = run_on(self, tx, "CREATE TABLE IF NOT EXISTS %s_repeats (attempt bigint, position bigint)", error);
  }
  return status == PROJECTOR_OK ? run_on(self, tx, "INSERT INTO %s_setups DEFAULT VALUES", error) : status;
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const projector_status status = seen_handle(instance, tx, batch, error);
  if (status == PROJECTOR_OK && batch->attempt != 1) {
    char sql[200];
    snprintf(sql, sizeof sql, "INSERT INTO %%s_repeats VALUES (%u, %lld)", batch->attempt,
             (long long)batch->events[0]->global_position);
    return run_on(instance, tx, sql, error);
  }
  return status;
}

const projector_plugin projector_plugin_v1 = {BASIC_HEAD("witness"), BASIC_LIFE, .setup = setup, .handle = handle,
                                              .reset = seen_reset};
