/* The contract as plugins of minor 0 were built with it, without its comments. It never changes. */
#ifndef PROJECTOR_PLUGIN_H
#define PROJECTOR_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define PROJECTOR_ABI_MINOR 0u
#define PROJECTOR_EXPORT __attribute__((visibility("default")))
#define PROJECTOR_HAS(type, ptr, field) ((ptr)->struct_size >= offsetof(type, field) + sizeof((ptr)->field))
typedef int32_t projector_status;
#define PROJECTOR_OK 0
#define PROJECTOR_RETRY 1
#define PROJECTOR_REJECT 2
#define PROJECTOR_FATAL 3
#define PROJECTOR_LOG_DEBUG 1
#define PROJECTOR_LOG_INFO 2
#define PROJECTOR_LOG_WARN 3
#define PROJECTOR_LOG_ERROR 4
#define PROJECTOR_SQL_ONCE 1u
#define PROJECTOR_SQL_BINARY 2u
typedef struct projector_tx projector_tx;
typedef struct projector_rows projector_rows;
typedef struct projector_str {
  const char* data;
  size_t size;
} projector_str;
#define PROJECTOR_PG_EPOCH_US INT64_C(946684800000000)
typedef struct projector_value {
  const char* data;
  size_t size;
  uint32_t oid;
  int32_t binary;
} projector_value;
typedef struct projector_setting {
  const char* key;
  const char* value;
} projector_setting;
#define PROJECTOR_SETTING_STRING 1
#define PROJECTOR_SETTING_INTEGER 2
#define PROJECTOR_SETTING_NUMBER 3
#define PROJECTOR_SETTING_BOOLEAN 4
#define PROJECTOR_SETTING_STRINGS 5
#define PROJECTOR_SETTING_DURATION 6
#define PROJECTOR_SETTING_SIZE 7
#define PROJECTOR_SETTING_OPTIONAL 1u
#define PROJECTOR_SETTING_SECRET 2u
typedef struct projector_setting_spec {
  uint32_t struct_size;
  int32_t type;
  const char* key;
  const char* default_value;
  const char* description;
  uint32_t flags;
  uint32_t reserved;
} projector_setting_spec;
#define PROJECTOR_NO_EVENT UINT32_MAX
typedef struct projector_error {
  uint32_t struct_size;
  uint32_t event_index;
  char* text;
  size_t text_size;
} projector_error;
typedef struct projector_event {
  uint32_t struct_size;
  int32_t event_version;
  int64_t global_position;
  int64_t aggregate_version;
  int64_t created_at_us;
  uint8_t event_id[16];
  projector_str bounded_context;
  projector_str aggregate_type;
  projector_str aggregate_id;
  projector_str event_type;
  projector_str payload;
  projector_str metadata;
  projector_str trace_id;
  projector_str correlation_id;
  projector_str causation_id;
} projector_event;
#define PROJECTOR_BATCH_REPEATED 1u
#define PROJECTOR_BATCH_REBUILD 2u
typedef struct projector_batch {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t attempt;
  uint32_t reserved;
  const projector_event* const* events;
  size_t n_events;
  int64_t head_position;
} projector_batch;
typedef struct projector_config {
  uint32_t struct_size;
  uint32_t partition_key;
  uint32_t total_partitions;
  uint32_t reserved;
  const char* projection_name;
  const projector_setting* settings;
  size_t n_settings;
  const char* state_directory;
} projector_config;
typedef struct projector_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void* ctx;
  void (*log)(void* ctx, int32_t level, projector_str message);
  int32_t (*stopping)(void* ctx);
  projector_status (*exec)(void* ctx, projector_tx* tx, uint32_t event_index, uint32_t flags, const char* sql,
                           const projector_value* params, size_t n_params, projector_error* error);
  projector_status (*query)(void* ctx, projector_tx* tx, uint32_t event_index, uint32_t flags, const char* sql,
                            const projector_value* params, size_t n_params, projector_rows** rows,
                            projector_error* error);
  size_t (*rows_count)(void* ctx, const projector_rows* rows);
  size_t (*rows_columns)(void* ctx, const projector_rows* rows);
  int64_t (*rows_affected)(void* ctx, const projector_rows* rows);
  int32_t (*rows_get)(void* ctx, const projector_rows* rows, size_t row, size_t column, projector_value* value);
  void (*rows_free)(void* ctx, projector_rows* rows);
  const void* (*get_extension)(void* ctx, const char* id);
} projector_host;
#define PROJECTOR_PLUGIN_EXTERNAL 1u
#define PROJECTOR_PLUGIN_TABLES_BY_PROJECTION 2u
typedef struct projector_plugin {
  uint32_t struct_size;
  uint32_t abi_minor;
  uint32_t min_host_minor;
  uint32_t flags;
  uint32_t read_model_version;
  uint32_t reserved;
  const char* name;
  const char* version;
  const char* description;
  const char* const* event_types;
  const char* const* aggregate_types;
  const char* const* bounded_contexts;
  const projector_setting_spec* const* settings;
  projector_status (*create)(const projector_host* host, const projector_config* config, void** instance,
                             projector_error* error);
  void (*destroy)(void* instance);
  projector_status (*setup)(void* instance, projector_tx* tx, projector_error* error);
  projector_status (*handle)(void* instance, projector_tx* tx, const projector_batch* batch, projector_error* error);
  void (*finished)(void* instance, int32_t committed);
  projector_status (*reset)(void* instance, projector_tx* tx, projector_error* error);
  const void* (*get_extension)(void* instance, const char* id);
} projector_plugin;
PROJECTOR_EXPORT extern const projector_plugin projector_plugin_v1;
#ifdef __cplusplus
}
#endif
#endif
