/* The layout of the plugin interface on 64-bit machines, its functions' types and its macros' values. Lines are only
 * added, and the SIZE of a growing struct rises with its last field: any other change breaks the interface
 * (sdk/ABI.md). Compiled as C and, through layout.cpp, as C++. */
#include <projector/plugin.h>

#ifdef __cplusplus
#include <type_traits>
#define HOLDS(condition) static_assert(condition, #condition)
#define FUNCTION(type, field, expected) HOLDS((std::is_same<decltype(type::field), expected>::value))
#else
#define HOLDS(condition) _Static_assert(condition, #condition)
#define FUNCTION(type, field, expected) HOLDS(_Generic(((type*)0)->field, expected : 1, default : 0))
#endif
#define SIZE(type, bytes) HOLDS(sizeof(type) == (bytes))
#define FIELD(type, field, offset) HOLDS(offsetof(type, field) == (offset))

SIZE(void*, 8);
SIZE(size_t, 8);
SIZE(projector_status, 4);
HOLDS((projector_status)-1 < 0);

SIZE(projector_str, 16);
FIELD(projector_str, data, 0);
FIELD(projector_str, size, 8);

SIZE(projector_value, 24);
FIELD(projector_value, data, 0);
FIELD(projector_value, size, 8);
FIELD(projector_value, oid, 16);
FIELD(projector_value, binary, 20);

SIZE(projector_setting, 16);
FIELD(projector_setting, key, 0);
FIELD(projector_setting, value, 8);

SIZE(projector_setting_spec, 40);
FIELD(projector_setting_spec, struct_size, 0);
FIELD(projector_setting_spec, type, 4);
FIELD(projector_setting_spec, key, 8);
FIELD(projector_setting_spec, default_value, 16);
FIELD(projector_setting_spec, description, 24);
FIELD(projector_setting_spec, flags, 32);
FIELD(projector_setting_spec, reserved, 36);

SIZE(projector_error, 24);
FIELD(projector_error, struct_size, 0);
FIELD(projector_error, event_index, 4);
FIELD(projector_error, text, 8);
FIELD(projector_error, text_size, 16);

SIZE(projector_event, 192);
FIELD(projector_event, struct_size, 0);
FIELD(projector_event, event_version, 4);
FIELD(projector_event, global_position, 8);
FIELD(projector_event, aggregate_version, 16);
FIELD(projector_event, created_at_us, 24);
FIELD(projector_event, event_id, 32);
FIELD(projector_event, bounded_context, 48);
FIELD(projector_event, aggregate_type, 64);
FIELD(projector_event, aggregate_id, 80);
FIELD(projector_event, event_type, 96);
FIELD(projector_event, payload, 112);
FIELD(projector_event, metadata, 128);
FIELD(projector_event, trace_id, 144);
FIELD(projector_event, correlation_id, 160);
FIELD(projector_event, causation_id, 176);

SIZE(projector_batch, 48);
FIELD(projector_batch, struct_size, 0);
FIELD(projector_batch, flags, 4);
FIELD(projector_batch, attempt, 8);
FIELD(projector_batch, reserved, 12);
FIELD(projector_batch, events, 16);
FIELD(projector_batch, n_events, 24);
FIELD(projector_batch, head_position, 32);
FIELD(projector_batch, current, 40);

SIZE(projector_config, 48);
FIELD(projector_config, struct_size, 0);
FIELD(projector_config, partition_key, 4);
FIELD(projector_config, total_partitions, 8);
FIELD(projector_config, reserved, 12);
FIELD(projector_config, projection_name, 16);
FIELD(projector_config, settings, 24);
FIELD(projector_config, n_settings, 32);
FIELD(projector_config, state_directory, 40);

SIZE(projector_host, 96);
FIELD(projector_host, struct_size, 0);
FIELD(projector_host, abi_minor, 4);
FIELD(projector_host, ctx, 8);
FIELD(projector_host, log, 16);
FIELD(projector_host, stopping, 24);
FIELD(projector_host, exec, 32);
FIELD(projector_host, query, 40);
FIELD(projector_host, rows_count, 48);
FIELD(projector_host, rows_columns, 56);
FIELD(projector_host, rows_affected, 64);
FIELD(projector_host, rows_get, 72);
FIELD(projector_host, rows_free, 80);
FIELD(projector_host, get_extension, 88);

SIZE(projector_plugin, 136);
FIELD(projector_plugin, struct_size, 0);
FIELD(projector_plugin, abi_minor, 4);
FIELD(projector_plugin, min_host_minor, 8);
FIELD(projector_plugin, flags, 12);
FIELD(projector_plugin, read_model_version, 16);
FIELD(projector_plugin, reserved, 20);
FIELD(projector_plugin, name, 24);
FIELD(projector_plugin, version, 32);
FIELD(projector_plugin, description, 40);
FIELD(projector_plugin, event_types, 48);
FIELD(projector_plugin, aggregate_types, 56);
FIELD(projector_plugin, bounded_contexts, 64);
FIELD(projector_plugin, settings, 72);
FIELD(projector_plugin, create, 80);
FIELD(projector_plugin, destroy, 88);
FIELD(projector_plugin, setup, 96);
FIELD(projector_plugin, handle, 104);
FIELD(projector_plugin, finished, 112);
FIELD(projector_plugin, reset, 120);
FIELD(projector_plugin, get_extension, 128);

HOLDS(PROJECTOR_ABI_MINOR == 1u);
HOLDS(PROJECTOR_OK == 0);
HOLDS(PROJECTOR_RETRY == 1);
HOLDS(PROJECTOR_REJECT == 2);
HOLDS(PROJECTOR_FATAL == 3);
HOLDS(PROJECTOR_LOG_DEBUG == 1);
HOLDS(PROJECTOR_LOG_INFO == 2);
HOLDS(PROJECTOR_LOG_WARN == 3);
HOLDS(PROJECTOR_LOG_ERROR == 4);
HOLDS(PROJECTOR_SQL_ONCE == 1u);
HOLDS(PROJECTOR_SQL_BINARY == 2u);
HOLDS(PROJECTOR_PG_EPOCH_US == 946684800000000);
HOLDS(PROJECTOR_SETTING_STRING == 1);
HOLDS(PROJECTOR_SETTING_INTEGER == 2);
HOLDS(PROJECTOR_SETTING_NUMBER == 3);
HOLDS(PROJECTOR_SETTING_BOOLEAN == 4);
HOLDS(PROJECTOR_SETTING_STRINGS == 5);
HOLDS(PROJECTOR_SETTING_DURATION == 6);
HOLDS(PROJECTOR_SETTING_SIZE == 7);
HOLDS(PROJECTOR_SETTING_OPTIONAL == 1u);
HOLDS(PROJECTOR_SETTING_SECRET == 2u);
HOLDS(PROJECTOR_NO_EVENT == 4294967295u);
HOLDS(PROJECTOR_BATCH_REPEATED == 1u);
HOLDS(PROJECTOR_BATCH_REBUILD == 2u);
HOLDS(PROJECTOR_PLUGIN_EXTERNAL == 1u);
HOLDS(PROJECTOR_PLUGIN_TABLES_BY_PROJECTION == 2u);

typedef void (*log_function)(void*, int32_t, projector_str);
typedef int32_t (*stopping_function)(void*);
typedef projector_status (*exec_function)(void*, projector_tx*, uint32_t, uint32_t, const char*, const projector_value*,
                                          size_t, projector_error*);
typedef projector_status (*query_function)(void*, projector_tx*, uint32_t, uint32_t, const char*,
                                           const projector_value*, size_t, projector_rows**, projector_error*);
typedef size_t (*rows_size_function)(void*, const projector_rows*);
typedef int64_t (*rows_affected_function)(void*, const projector_rows*);
typedef int32_t (*rows_get_function)(void*, const projector_rows*, size_t, size_t, projector_value*);
typedef void (*rows_free_function)(void*, projector_rows*);
typedef const void* (*extension_function)(void*, const char*);
typedef projector_status (*create_function)(const projector_host*, const projector_config*, void**, projector_error*);
typedef void (*destroy_function)(void*);
typedef projector_status (*change_function)(void*, projector_tx*, projector_error*);
typedef projector_status (*handle_function)(void*, projector_tx*, const projector_batch*, projector_error*);
typedef void (*finished_function)(void*, int32_t);

FUNCTION(projector_host, log, log_function);
FUNCTION(projector_host, stopping, stopping_function);
FUNCTION(projector_host, exec, exec_function);
FUNCTION(projector_host, query, query_function);
FUNCTION(projector_host, rows_count, rows_size_function);
FUNCTION(projector_host, rows_columns, rows_size_function);
FUNCTION(projector_host, rows_affected, rows_affected_function);
FUNCTION(projector_host, rows_get, rows_get_function);
FUNCTION(projector_host, rows_free, rows_free_function);
FUNCTION(projector_host, get_extension, extension_function);
FUNCTION(projector_plugin, create, create_function);
FUNCTION(projector_plugin, destroy, destroy_function);
FUNCTION(projector_plugin, setup, change_function);
FUNCTION(projector_plugin, handle, handle_function);
FUNCTION(projector_plugin, finished, finished_function);
FUNCTION(projector_plugin, reset, change_function);
FUNCTION(projector_plugin, get_extension, extension_function);
