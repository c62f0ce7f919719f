#pragma once

#include "pg/result.hpp"
#include "plugin/statement_sink.hpp"

namespace projector::projection {

/// A query's result as plugins read it. Worker thread.
class ResultRows final : public plugin::Rows {
public:
  explicit ResultRows(pg::Result result) : result_(std::move(result)) {}
  [[nodiscard]] std::size_t count() const override { return result_.rows(); }
  [[nodiscard]] std::size_t columns() const override { return result_.columns(); }
  [[nodiscard]] std::int64_t affected() const override { return result_.affected(); }
  bool get(std::size_t row, std::size_t column, projector_value& value) const override;

private:
  pg::Result result_;
};

} // namespace projector::projection
