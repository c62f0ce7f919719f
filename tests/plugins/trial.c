/* Writes each event that it handles into <projection_name>_seen, with TRIAL_MARK in the column projection, and what the
 * batch was into <projection_name>_batches. Built in several versions, most of which fail in a way of their own, and
 * each of those only after it has written what it can: see CMakeLists.txt. */
#include "basic.h"

#ifndef TRIAL_NAME
#define TRIAL_NAME "trial"
#endif
#ifndef TRIAL_VERSION
#define TRIAL_VERSION "1.0.0"
#endif
#ifndef TRIAL_READ_MODEL_VERSION
#define TRIAL_READ_MODEL_VERSION 1
#endif
#ifndef TRIAL_MARK
#define TRIAL_MARK "first"
#endif
/* 0: nowhere, else as the enumerators below. */
#ifndef TRIAL_FAILS
#define TRIAL_FAILS 0
#endif

enum { NOWHERE, IN_CREATE, IN_SETUP, AT_ONCE, AFTER_EXEC, AFTER_QUERY, BY_REJECT, BY_STATEMENT, BY_RETRY };
static const int32_t fails = TRIAL_FAILS;

#ifdef TRIAL_SETTING
static const projector_setting_spec kNumber = BASIC_SETTING(INTEGER, TRIAL_SETTING, "7", "a number");
static const projector_setting_spec* const kSettings[] = {&kNumber, NULL};
#define SETTINGS .settings = kSettings,
#else
#define SETTINGS
#endif

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  if (fails == IN_CREATE) {
    say(error, "fails in create");
    return PROJECTOR_FATAL;
  }
  return basic_create(host, config, instance, error);
}

static projector_status run_on(const basic* self, projector_tx* tx, const char* format, projector_error* error) {
  char sql[256];
  snprintf(sql, sizeof sql, format, self->config->projection_name);
  return run(self, tx, sql, error);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  projector_status status = seen_setup(instance, tx, error);
  if (status == PROJECTOR_OK) {
    status = run_on(instance, tx,
                    "CREATE TABLE IF NOT EXISTS %s_batches (mark text NOT NULL, partition bigint NOT NULL, rebuild "
                    "boolean NOT NULL, events bigint NOT NULL)",
                    error);
  }
  if (status == PROJECTOR_OK && fails == IN_SETUP) {
    run_on(instance, tx, "INSERT INTO %s_seen VALUES ('" TRIAL_MARK "', 0, -1)", error);
    say(error, "fails in setup");
    return PROJECTOR_FATAL;
  }
  return status;
}

static projector_status add_batch(const basic* self, projector_tx* tx, const projector_batch* batch,
                                  projector_error* error) {
  char sql[160];
  snprintf(sql, sizeof sql, "INSERT INTO %s_batches VALUES ('" TRIAL_MARK "', %u, %s, %zu)",
           self->config->projection_name, self->config->partition_key,
           (batch->flags & PROJECTOR_BATCH_REBUILD) != 0 ? "true" : "false", batch->n_events);
  return run(self, tx, sql, error);
}

static projector_status add_event(const basic* self, projector_tx* tx, const projector_batch* batch, uint32_t index,
                                  projector_error* error) {
  char sql[128];
  char partition[16];
  char position[24];
  snprintf(sql, sizeof sql, "INSERT INTO %s_seen (projection, partition, global_position) VALUES ($1, $2, $3)",
           self->config->projection_name);
  snprintf(partition, sizeof partition, "%u", self->config->partition_key);
  snprintf(position, sizeof position, "%lld", (long long)batch->events[index]->global_position);
  const projector_value params[] = {text_value(TRIAL_MARK, 25), text_value(partition, 23), text_value(position, 20)};
  if (fails != AFTER_QUERY) {
    return self->host->exec(self->host->ctx, tx, index, 0, sql, params, 3, error);
  }
  projector_rows* rows = NULL;
  const projector_status status = self->host->query(self->host->ctx, tx, index, 0, sql, params, 3, &rows, error);
  self->host->rows_free(self->host->ctx, rows);
  return status;
}

/* The outcome after everything is written. */
static projector_status end(const basic* self, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  switch (fails) {
  case AFTER_EXEC:
    say(error, "fails after its statements");
    return PROJECTOR_FATAL;
  case AFTER_QUERY:
    say(error, "fails after its queries");
    return PROJECTOR_FATAL;
  case BY_REJECT:
    error->event_index = (uint32_t)(batch->n_events / 2);
    say(error, "rejects the one in the middle");
    return PROJECTOR_REJECT;
  case BY_STATEMENT:
    return run_on(self, tx, "UPDATE %s_seen SET partition = 1 / 0", error);
  case BY_RETRY:
    say(error, "asks for another attempt, always");
    return PROJECTOR_RETRY;
  default:
    return PROJECTOR_OK;
  }
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  const basic* self = instance;
  if (fails == AT_ONCE) {
    say(error, "fails before its statements");
    return PROJECTOR_FATAL;
  }
  projector_status status = add_batch(self, tx, batch, error);
  for (size_t i = 0; status == PROJECTOR_OK && i < batch->n_events; ++i) {
    status = add_event(self, tx, batch, (uint32_t)i, error);
  }
  return status == PROJECTOR_OK ? end(self, tx, batch, error) : status;
}

static projector_status reset(void* instance, projector_tx* tx, projector_error* error) {
  const projector_status status = run_on(instance, tx, "DELETE FROM %s_batches", error);
  return status == PROJECTOR_OK ? seen_reset(instance, tx, error) : status;
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = TRIAL_READ_MODEL_VERSION,
                                              .name = TRIAL_NAME,
                                              .version = TRIAL_VERSION,
                                              .description = "a test plugin",
                                              SETTINGS.create = create,
                                              .destroy = basic_destroy,
                                              .setup = setup,
                                              .handle = handle,
                                              .reset = reset};
