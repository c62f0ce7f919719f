/* projector/plugin_c.h: inline functions for plugins in C. A parameter that is made from a buffer refers to it: keep
 * the buffer until exec or query has returned. */
#ifndef PROJECTOR_PLUGIN_C_H
#define PROJECTOR_PLUGIN_C_H
#include <projector/plugin.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif

#define PROJECTOR_OID_BOOL 16u
#define PROJECTOR_OID_BYTEA 17u
#define PROJECTOR_OID_INT8 20u
#define PROJECTOR_OID_TIMESTAMPTZ 1184u
#define PROJECTOR_OID_UUID 2950u

static inline void projector_store_int8(char bytes[8], int64_t value) {
  for (int i = 0; i < 8; ++i) {
    bytes[i] = (char)(unsigned char)((uint64_t)value >> (56 - 8 * i));
  }
}

/* SQL NULL of the type that the server infers. */
static inline projector_value projector_null(void) {
  const projector_value value = {NULL, 0, 0, 0};
  return value;
}

/* Text; data == NULL gives SQL NULL, as in an event's field without a value. */
static inline projector_value projector_text(projector_str text) {
  const projector_value value = {text.data, text.size, 0, 0};
  return value;
}

/* Text that ends with a NUL byte; NULL gives SQL NULL. */
static inline projector_value projector_text_z(const char* text) {
  const projector_value value = {text, text == NULL ? 0 : strlen(text), 0, 0};
  return value;
}

static inline projector_value projector_int8(int64_t number, char buffer[8]) {
  const projector_value value = {buffer, 8, PROJECTOR_OID_INT8, 1};
  projector_store_int8(buffer, number);
  return value;
}

static inline projector_value projector_bool(int truth) {
  const projector_value value = {truth ? "t" : "f", 1, PROJECTOR_OID_BOOL, 0};
  return value;
}

/* bytes: 16 of them, such as an event's event_id. */
static inline projector_value projector_uuid(const uint8_t bytes[16]) {
  const projector_value value = {(const char*)bytes, 16, PROJECTOR_OID_UUID, 1};
  return value;
}

/* microseconds since 1970, as in an event's created_at_us. */
static inline projector_value projector_timestamptz(int64_t microseconds, char buffer[8]) {
  const projector_value value = {buffer, 8, PROJECTOR_OID_TIMESTAMPTZ, 1};
  projector_store_int8(buffer, microseconds - PROJECTOR_PG_EPOCH_US);
  return value;
}

/* Bytes, unchanged; data == NULL gives SQL NULL. */
static inline projector_value projector_bytea(projector_str bytes) {
  const projector_value value = {bytes.data, bytes.size, PROJECTOR_OID_BYTEA, 1};
  return value;
}

/* Reads a whole number, in text format or in binary format of 2, 4 or 8 bytes. Returns 0 for any other value. */
static inline int projector_read_int8(const projector_value* value, int64_t* number) {
  if (value->data == NULL || value->size == 0) {
    return 0;
  }
  if (value->binary) {
    uint64_t bits = ((unsigned char)value->data[0] & 0x80u) != 0 ? UINT64_MAX : 0;
    if (value->size != 2 && value->size != 4 && value->size != 8) {
      return 0;
    }
    for (size_t i = 0; i < value->size; ++i) {
      bits = bits << 8 | (unsigned char)value->data[i];
    }
    memcpy(number, &bits, sizeof bits);
    return 1;
  }
  char digits[24];
  if (value->size >= sizeof digits) {
    return 0;
  }
  memcpy(digits, value->data, value->size);
  digits[value->size] = '\0';
  if (digits[0] != '-' && (digits[0] < '0' || digits[0] > '9')) {
    return 0;
  }
  char* end = NULL;
  errno = 0;
  const long long parsed = strtoll(digits, &end, 10);
  if (errno != 0 || end == digits || (size_t)(end - digits) != value->size) {
    return 0;
  }
  *number = parsed;
  return 1;
}

/* Reads a cell as a whole number. Returns 0 if there is no such cell, or its value is NULL or no whole number. */
static inline int projector_cell_int8(const projector_host* host, const projector_rows* rows, size_t row, size_t column,
                                      int64_t* number) {
  projector_value value = projector_null();
  return host->rows_get(host->ctx, rows, row, column, &value) && projector_read_int8(&value, number);
}

/* Reads a cell's bytes, valid until rows_free or the end of the call; data == NULL for SQL NULL. Returns 0 if there
 * is no such cell. */
static inline int projector_cell_text(const projector_host* host, const projector_rows* rows, size_t row, size_t column,
                                      projector_str* text) {
  projector_value value = projector_null();
  if (!host->rows_get(host->ctx, rows, row, column, &value)) {
    return 0;
  }
  text->data = value.data;
  text->size = value.size;
  return 1;
}

/* Tells the host that the code that follows works on this event of the batch, or on none alone if index is
 * PROJECTOR_NO_EVENT. If the process ends there, the host knows which event to blame. */
static inline void projector_begin_event(const projector_batch* batch, uint32_t index) {
  if (PROJECTOR_HAS(projector_batch, batch, current) && batch->current != NULL) {
    /* The fences keep the compiler from moving what may crash to the other side of the store. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(batch->current, index, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
}

/* Fills in the error, which may be NULL, and returns the status: return projector_fail(error, PROJECTOR_REJECT, i, ..);
 */
__attribute__((format(printf, 4, 5))) static inline projector_status
projector_fail(projector_error* error, projector_status status, uint32_t event_index, const char* format, ...) {
  if (error != NULL) {
    error->event_index = event_index;
    if (error->text != NULL && error->text_size > 0) {
      va_list arguments;
      va_start(arguments, format);
      vsnprintf(error->text, error->text_size, format, arguments);
      va_end(arguments);
    }
  }
  return status;
}

/* The first value of a setting, or NULL if it is absent. Valid as long as the configuration. */
static inline const char* projector_find_setting(const projector_config* config, const char* key) {
  for (size_t i = 0; i < config->n_settings; ++i) {
    if (strcmp(config->settings[i].key, key) == 0) {
      return config->settings[i].value;
    }
  }
  return NULL;
}

/* Reads an INTEGER, DURATION (microseconds) or SIZE (bytes) setting. Returns 0 if it is absent or no whole number of
 * 64 bits. */
static inline int projector_find_setting_int8(const projector_config* config, const char* key, int64_t* number) {
  const projector_value value = projector_text_z(projector_find_setting(config, key));
  return projector_read_int8(&value, number);
}

static inline void projector_log(const projector_host* host, int32_t level, const char* text) {
  const projector_str message = {text, strlen(text)};
  host->log(host->ctx, level, message);
}

#ifdef __cplusplus
}
#endif
#endif /* PROJECTOR_PLUGIN_C_H */
