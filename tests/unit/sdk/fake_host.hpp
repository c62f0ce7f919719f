#pragma once

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct projector_rows {
  std::vector<std::vector<std::optional<std::string>>> cells;
};

namespace projector::test {

/// A parameter as the host got it, copied.
struct RecordedValue {
  std::optional<std::string> bytes;
  std::uint32_t oid = 0;
  bool binary = false;
  friend bool operator==(const RecordedValue&, const RecordedValue&) = default;
  friend std::ostream& operator<<(std::ostream& out, const RecordedValue& value) {
    return out << (value.bytes ? "'" + *value.bytes + "'" : "NULL") << " oid " << value.oid
               << (value.binary ? " binary" : "");
  }
};

struct RecordedStatement {
  std::string sql;
  std::vector<RecordedValue> values;
  std::uint32_t event_index = 0;
  std::uint32_t flags = 0;
  bool is_query = false;
};

/// The host's side of the interface, as a table of functions that record a plugin's calls. It says OK to everything,
/// unless a verdict was put in line for the next statement.
class FakeHost {
public:
  FakeHost() {
    table_.struct_size = sizeof table_;
    table_.abi_minor = PROJECTOR_ABI_MINOR;
    table_.ctx = this;
    table_.log = [](void* self, std::int32_t level, projector_str text) {
      of(self).logged.emplace_back(level, std::string(text.data, text.size));
    };
    table_.stopping = [](void* self) -> std::int32_t { return of(self).stopping ? 1 : 0; };
    table_.exec = [](void* self, projector_tx* tx, std::uint32_t event_index, std::uint32_t flags, const char* sql,
                     const projector_value* values, std::size_t count, projector_error* error) {
      return of(self).record(tx, event_index, flags, sql, values, count, false, error);
    };
    table_.query = [](void* self, projector_tx* tx, std::uint32_t event_index, std::uint32_t flags, const char* sql,
                      const projector_value* values, std::size_t count, projector_rows** result,
                      projector_error* error) {
      const projector_status status = of(self).record(tx, event_index, flags, sql, values, count, true, error);
      *result = status == PROJECTOR_OK ? &of(self).rows : nullptr;
      return status;
    };
    table_.rows_count = [](void*, const projector_rows* of_rows) { return of_rows->cells.size(); };
    table_.rows_columns = [](void*, const projector_rows* of_rows) {
      return of_rows->cells.empty() ? 0 : of_rows->cells[0].size();
    };
    table_.rows_affected = [](void*, const projector_rows* of_rows) {
      return static_cast<std::int64_t>(of_rows->cells.size());
    };
    table_.rows_get = [](void*, const projector_rows* of_rows, std::size_t row, std::size_t column,
                         projector_value* value) {
      if (row >= of_rows->cells.size() || column >= of_rows->cells[row].size()) {
        return 0;
      }
      const auto& cell = of_rows->cells[row][column];
      *value = projector_value{cell ? cell->data() : nullptr, cell ? cell->size() : 0, 0, 0};
      return 1;
    };
    table_.rows_free = [](void* self, projector_rows* freed) { of(self).rows_freed += freed == nullptr ? 0 : 1; };
    table_.get_extension = [](void*, const char*) -> const void* { return nullptr; };
  }

  [[nodiscard]] const projector_host* table() const noexcept { return &table_; }
  [[nodiscard]] projector_tx* transaction() noexcept { return reinterpret_cast<projector_tx*>(&transaction_); }

  struct Verdict {
    projector_status status;
    std::uint32_t event_index;
    std::string text;
  };
  std::deque<Verdict> verdicts; ///< for the next statements, in order
  std::vector<RecordedStatement> statements;
  std::vector<std::pair<std::int32_t, std::string>> logged;
  projector_rows rows; ///< what every query returns
  int rows_freed = 0;
  bool stopping = false;

private:
  static FakeHost& of(void* self) { return *static_cast<FakeHost*>(self); }

  projector_status record(projector_tx* tx, std::uint32_t event_index, std::uint32_t flags, const char* sql,
                          const projector_value* values, std::size_t count, bool is_query, projector_error* error) {
    RecordedStatement statement{sql, {}, event_index, flags, is_query};
    for (std::size_t i = 0; i < count; ++i) {
      std::optional<std::string> bytes;
      if (values[i].data != nullptr) {
        bytes.emplace(values[i].data, values[i].size);
      }
      statement.values.push_back({std::move(bytes), values[i].oid, values[i].binary == 1});
    }
    statements.push_back(std::move(statement));
    Verdict verdict{PROJECTOR_OK, PROJECTOR_NO_EVENT, ""};
    if (tx != transaction()) {
      verdict = {PROJECTOR_FATAL, PROJECTOR_NO_EVENT, "not the transaction of the running call"};
    } else if (!verdicts.empty()) {
      verdict = verdicts.front();
      verdicts.pop_front();
    }
    if (verdict.status != PROJECTOR_OK && error != nullptr) {
      error->event_index = verdict.event_index;
      std::snprintf(error->text, error->text_size, "%s", verdict.text.c_str());
    }
    return verdict.status;
  }

  projector_host table_{};
  char transaction_ = 0;
};

/// The caller's error, with room for `size` bytes of text.
class Error {
public:
  explicit Error(std::size_t size = 1024) : text_(size, '\0') {}
  projector_error* get() noexcept {
    error_ = projector_error{sizeof(projector_error), PROJECTOR_NO_EVENT, text_.data(), text_.size()};
    return &error_;
  }
  [[nodiscard]] std::string text() const { return text_.c_str(); }
  [[nodiscard]] std::uint32_t event_index() const noexcept { return error_.event_index; }

private:
  std::string text_;
  projector_error error_{};
};

inline projector_str str(std::string_view text) {
  return {text.data(), text.size()};
}

/// An event at `position` with values in every field that must have one; change what matters.
inline projector_event event_at(std::int64_t position, std::string_view type = "Happened",
                                std::string_view payload = "{}") {
  projector_event event{};
  event.struct_size = sizeof event;
  event.event_version = 1;
  event.global_position = position;
  event.aggregate_version = 1;
  event.created_at_us = 1709210096000001; // 2024-02-29 12:34:56.000001 UTC
  event.event_id[15] = static_cast<std::uint8_t>(position);
  event.bounded_context = str("shop");
  event.aggregate_type = str("Order");
  event.aggregate_id = str("a-1");
  event.event_type = str(type);
  event.payload = str(payload);
  return event;
}

/// Owns what a projector_batch points to.
class EventBatch {
public:
  explicit EventBatch(std::vector<projector_event> events) : events_(std::move(events)) {
    for (const projector_event& event : events_) {
      pointers_.push_back(&event);
    }
    batch_ = projector_batch{sizeof(projector_batch), 0, 1, 0, pointers_.data(), pointers_.size(), 1000, &current};
  }
  EventBatch(const EventBatch&) = delete;
  EventBatch& operator=(const EventBatch&) = delete;
  [[nodiscard]] projector_batch* get() noexcept { return &batch_; }

  /// As a host of minor 0 has it: the struct ends before `current`, and what lies there is no pointer.
  void cut_to_minor_0() noexcept {
    batch_.struct_size = offsetof(projector_batch, current);
    batch_.current = reinterpret_cast<std::uint32_t*>(8);
  }

  static constexpr std::uint32_t kUntouched = 4242;
  std::uint32_t current = kUntouched; ///< the index that the plugin wrote last

private:
  std::vector<projector_event> events_;
  std::vector<const projector_event*> pointers_;
  projector_batch batch_{};
};

/// One plugin object made with a fake host's table. Destroys it.
class PluginObject {
public:
  PluginObject(const projector_plugin& plugin, FakeHost& host, projector_config config) : plugin_(plugin), host_(host) {
    config.struct_size = sizeof config;
    if (config.projection_name == nullptr) {
      config.projection_name = "sales";
    }
    if (config.total_partitions == 0) {
      config.total_partitions = 1;
    }
    config_ = config;
    created = plugin.create(host.table(), &config_, &instance_, error.get());
  }
  ~PluginObject() {
    if (created == PROJECTOR_OK) {
      plugin_.destroy(instance_);
    }
  }
  PluginObject(const PluginObject&) = delete;
  PluginObject& operator=(const PluginObject&) = delete;

  projector_status setup() { return plugin_.setup(instance_, host_.transaction(), error.get()); }
  projector_status reset() { return plugin_.reset(instance_, host_.transaction(), error.get()); }
  projector_status handle(EventBatch& batch) {
    const bool external = (plugin_.flags & PROJECTOR_PLUGIN_EXTERNAL) != 0;
    return plugin_.handle(instance_, external ? nullptr : host_.transaction(), batch.get(), error.get());
  }
  void finished(bool committed) { plugin_.finished(instance_, committed ? 1 : 0); }

  Error error; ///< of the last call
  projector_status created = PROJECTOR_FATAL;

private:
  const projector_plugin& plugin_;
  FakeHost& host_;
  projector_config config_{};
  void* instance_ = nullptr;
};

} // namespace projector::test
