/* Writes a row for each batch into <projection_name>_batches. Its name is replaced, byte by byte, by others of the same
 * length, so that there can be many of it. */
#include <projector/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kSqlSize = 200 };

struct instance {
  const projector_host* host;
  char insert[kSqlSize];
  char create_table[kSqlSize];
};

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  (void)error;
  struct instance* self = calloc(1, sizeof *self);
  if (self == NULL) {
    return PROJECTOR_RETRY;
  }
  self->host = host;
  snprintf(self->insert, kSqlSize, "INSERT INTO %s_batches VALUES (1)", config->projection_name);
  snprintf(self->create_table, kSqlSize, "CREATE TABLE IF NOT EXISTS %s_batches (one integer NOT NULL)",
           config->projection_name);
  *instance = self;
  return PROJECTOR_OK;
}

static void destroy(void* instance) {
  free(instance);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  const struct instance* self = instance;
  return self->host->exec(self->host->ctx, tx, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE, self->create_table, NULL, 0,
                          error);
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  (void)batch;
  const struct instance* self = instance;
  return self->host->exec(self->host->ctx, tx, PROJECTOR_NO_EVENT, 0, self->insert, NULL, 0, error);
}

const projector_plugin projector_plugin_v1 = {.struct_size = sizeof(projector_plugin),
                                              .abi_minor = PROJECTOR_ABI_MINOR,
                                              .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
                                              .read_model_version = 1,
                                              .name = "bench_drop_000",
                                              .version = "1",
                                              .description = "a row a batch",
                                              .create = create,
                                              .destroy = destroy,
                                              .setup = setup,
                                              .handle = handle};
