/* Counts the users that were created. Each partition adds to a row of its own, so partitions never wait for each other;
 * a view sums them up. One statement a batch. */
#include <projector/plugin_c.h>

enum { kSqlSize = 1024, kNameSize = 64 };

struct user_counter {
  const projector_host* host;
  uint32_t partition_key;
  char projection_name[kNameSize];
  char count_sql[kSqlSize]; /* one text for the instance's life, so that the host prepares it once */
};

static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                               projector_error* error) {
  if (strlen(config->projection_name) >= kNameSize) {
    return projector_fail(error, PROJECTOR_FATAL, PROJECTOR_NO_EVENT,
                          "the projection name '%s' is longer than %d characters", config->projection_name,
                          kNameSize - 1);
  }
  struct user_counter* counter = calloc(1, sizeof *counter);
  if (counter == NULL) {
    return projector_fail(error, PROJECTOR_RETRY, PROJECTOR_NO_EVENT, "out of memory");
  }
  counter->host = host;
  counter->partition_key = config->partition_key;
  snprintf(counter->projection_name, sizeof counter->projection_name, "%s", config->projection_name);
  snprintf(counter->count_sql, sizeof counter->count_sql,
           "INSERT INTO %s_by_partition AS stored (partition_key, users, last_position) VALUES ($1, $2, $3)"
           " ON CONFLICT (partition_key) DO UPDATE"
           " SET users = stored.users + excluded.users, last_position = excluded.last_position",
           counter->projection_name);
  *instance = counter;
  return PROJECTOR_OK;
}

static void destroy(void* instance) {
  free(instance);
}

static projector_status exec_once(struct user_counter* counter, projector_tx* tx, projector_error* error,
                                  const char* format) {
  char sql[kSqlSize];
  snprintf(sql, sizeof sql, format, counter->projection_name, counter->projection_name);
  return counter->host->exec(counter->host->ctx, tx, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE, sql, NULL, 0, error);
}

static projector_status setup(void* instance, projector_tx* tx, projector_error* error) {
  struct user_counter* counter = instance;
  projector_status status =
      exec_once(counter, tx, error,
                "CREATE TABLE IF NOT EXISTS %s_by_partition (partition_key bigint PRIMARY KEY, users bigint NOT NULL,"
                " last_position bigint NOT NULL)");
  if (status == PROJECTOR_OK) {
    status = exec_once(counter, tx, error,
                       "CREATE OR REPLACE VIEW %s_total AS"
                       " SELECT coalesce(sum(users), 0)::bigint AS users FROM %s_by_partition");
  }
  return status;
}

static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error) {
  struct user_counter* counter = instance;
  char partition[8];
  char users[8];
  char last_position[8];
  /* The host hands over the declared type only, so every event is one user. */
  const projector_value parameters[] = {
      projector_int8(counter->partition_key, partition),
      projector_int8((int64_t)batch->n_events, users),
      projector_int8(batch->events[batch->n_events - 1]->global_position, last_position),
  };
  return counter->host->exec(counter->host->ctx, tx, PROJECTOR_NO_EVENT, 0, counter->count_sql, parameters, 3, error);
}

static projector_status reset(void* instance, projector_tx* tx, projector_error* error) {
  return exec_once(instance, tx, error, "DELETE FROM %s_by_partition");
}

static const char* const event_types[] = {"UserCreated", NULL};

const projector_plugin projector_plugin_v1 = {
    .struct_size = sizeof(projector_plugin),
    .abi_minor = PROJECTOR_ABI_MINOR,
    .flags = PROJECTOR_PLUGIN_TABLES_BY_PROJECTION,
    .read_model_version = 1,
    .name = "user_counter",
    .version = "1.0.0",
    .description = "Counts the users that were created",
    .event_types = event_types,
    .create = create,
    .destroy = destroy,
    .setup = setup,
    .handle = handle,
    .reset = reset,
};
