#pragma once

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace projector::plugin {

/// The host's verdict on a statement of a plugin: what exec and query return to it.
struct Verdict {
  projector_status status = PROJECTOR_OK;
  std::string text;
  std::uint32_t event_index = PROJECTOR_NO_EVENT;
};

/// Rows of one query, as the function table hands them out.
class Rows {
public:
  virtual ~Rows() = default;
  [[nodiscard]] virtual std::size_t count() const = 0;
  [[nodiscard]] virtual std::size_t columns() const = 0;
  [[nodiscard]] virtual std::int64_t affected() const = 0;
  /// False if there is no such cell.
  virtual bool get(std::size_t row, std::size_t column, projector_value& value) const = 0;
};

/// Where a plugin's statements go: the open batch transaction. What a plugin passes in is copied before a call returns.
/// May throw; host_table.cpp lets no exception reach the plugin. Worker thread.
class StatementSink {
public:
  virtual ~StatementSink() = default;
  virtual Verdict exec(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                       std::size_t n_params) = 0;
  virtual Verdict query(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                        std::size_t n_params, std::unique_ptr<Rows>& rows) = 0;
};

} // namespace projector::plugin
