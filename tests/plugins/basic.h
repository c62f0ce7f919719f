/* What the test plugins share: an instance that knows its host and its settings, functions that do nothing, and a table
 * <projection_name>_seen of the events that were handled. */
#ifndef PROJECTOR_TESTS_BASIC_H
#define PROJECTOR_TESTS_BASIC_H
#include <projector/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct basic {
  const projector_host* host;
  const projector_config* config;
  int64_t calls;  /* of handle, for the plugin to count */
  int64_t events; /* likewise */
  projector_tx* old_tx;
} basic;

static inline void say(projector_error* error, const char* text) {
  if (error != NULL && error->text_size > 0) {
    snprintf(error->text, error->text_size, "%s", text);
  }
}

static inline void log_text(const basic* self, int32_t level, const char* text) {
  projector_str message = {text, strlen(text)};
  self->host->log(self->host->ctx, level, message);
}

static inline projector_status basic_create(const projector_host* host, const projector_config* config, void** instance,
                                            projector_error* error) {
  basic* self = calloc(1, sizeof *self);
  if (self == NULL) {
    say(error, "out of memory");
    return PROJECTOR_RETRY;
  }
  self->host = host;
  self->config = config;
  *instance = self;
  return PROJECTOR_OK;
}

static inline void basic_destroy(void* instance) {
  free(instance);
}

static inline projector_status basic_handle(void* instance, projector_tx* tx, const projector_batch* batch,
                                            projector_error* error) {
  (void)instance, (void)tx, (void)batch, (void)error;
  return PROJECTOR_OK;
}

/* "" where the setting is not there. */
static inline const char* setting(const projector_config* config, const char* key) {
  for (size_t i = 0; i < config->n_settings; ++i) {
    if (strcmp(config->settings[i].key, key) == 0) {
      return config->settings[i].value;
    }
  }
  return "";
}

static inline int64_t setting_number(const projector_config* config, const char* key) {
  return strtoll(setting(config, key), NULL, 10);
}

static inline projector_status run(const basic* self, projector_tx* tx, const char* sql, projector_error* error) {
  return self->host->exec(self->host->ctx, tx, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE, sql, NULL, 0, error);
}

static inline projector_status seen_setup(void* instance, projector_tx* tx, projector_error* error) {
  const basic* self = instance;
  char sql[256];
  snprintf(sql, sizeof sql,
           "CREATE TABLE IF NOT EXISTS %s_seen (projection text NOT NULL, partition integer NOT NULL, "
           "global_position bigint PRIMARY KEY)",
           self->config->projection_name);
  return run(self, tx, sql, error);
}

static inline projector_status seen_reset(void* instance, projector_tx* tx, projector_error* error) {
  const basic* self = instance;
  char sql[128];
  snprintf(sql, sizeof sql, "DELETE FROM %s_seen", self->config->projection_name);
  return run(self, tx, sql, error);
}

static inline projector_value text_value(const char* text, uint32_t oid) {
  projector_value value = {text, strlen(text), oid, 0};
  return value;
}

/* A second delivery of a committed event breaks the primary key. */
static inline projector_status seen_add(const basic* self, projector_tx* tx, const projector_batch* batch,
                                        uint32_t index, projector_error* error) {
  char sql[128];
  char partition[16];
  char position[24];
  snprintf(sql, sizeof sql, "INSERT INTO %s_seen (projection, partition, global_position) VALUES ($1, $2, $3)",
           self->config->projection_name);
  snprintf(partition, sizeof partition, "%u", self->config->partition_key);
  snprintf(position, sizeof position, "%lld", (long long)batch->events[index]->global_position);
  const projector_value params[] = {text_value(self->config->projection_name, 25), text_value(partition, 23),
                                    text_value(position, 20)};
  return self->host->exec(self->host->ctx, tx, index, 0, sql, params, 3, error);
}

static inline projector_status seen_handle(void* instance, projector_tx* tx, const projector_batch* batch,
                                           projector_error* error) {
  for (size_t i = 0; i < batch->n_events; ++i) {
    const projector_status status = seen_add(instance, tx, batch, (uint32_t)i, error);
    if (status != PROJECTOR_OK) {
      return status;
    }
  }
  return PROJECTOR_OK;
}

/* The descriptor's fields that every plugin sets. */
#define BASIC_HEAD(plugin_name) BASIC_HEAD_WITH(plugin_name, PROJECTOR_PLUGIN_TABLES_BY_PROJECTION)
#define BASIC_HEAD_WITH(plugin_name, plugin_flags)                                                                     \
  .struct_size = sizeof(projector_plugin), .abi_minor = PROJECTOR_ABI_MINOR, .flags = (plugin_flags),                  \
  .read_model_version = 1, .name = plugin_name, .version = "1.0.0", .description = "a test plugin"
#define BASIC_LIFE .create = basic_create, .destroy = basic_destroy
#define BASIC_SETTING(kind, name, value, text)                                                                         \
  {                                                                                                                    \
    .struct_size = sizeof(projector_setting_spec), .type = PROJECTOR_SETTING_##kind, .key = name,                      \
    .default_value = value, .description = text                                                                        \
  }

#endif
