#pragma once

#include "plugin/statement_sink.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace projector::plugin::test {

/// Rows of text cells; counts how many live.
class FakeRows : public Rows {
public:
  FakeRows(std::vector<std::vector<std::string>> cells, int& living) : cells_(std::move(cells)), living_(living) {
    ++living_;
  }
  ~FakeRows() override { --living_; }
  FakeRows(const FakeRows&) = delete;
  FakeRows& operator=(const FakeRows&) = delete;

  [[nodiscard]] std::size_t count() const override { return cells_.size(); }
  [[nodiscard]] std::size_t columns() const override { return cells_.empty() ? 0 : cells_.front().size(); }
  [[nodiscard]] std::int64_t affected() const override { return static_cast<std::int64_t>(cells_.size()); }
  bool get(std::size_t row, std::size_t column, projector_value& value) const override {
    const std::string& cell = cells_.at(row).at(column);
    value = {cell.data(), cell.size(), 25, 0};
    return true;
  }

private:
  std::vector<std::vector<std::string>> cells_;
  int& living_;
};

/// Writes down the statements and answers as the test says.
class FakeStatementSink : public StatementSink {
public:
  struct Taken {
    std::uint32_t event_index;
    std::uint32_t flags;
    std::string sql;
    std::vector<std::string> params;
    friend bool operator==(const Taken&, const Taken&) = default;
  };

  Verdict exec(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
               std::size_t n_params) override {
    Taken one{event_index, flags, sql, {}};
    for (std::size_t i = 0; i < n_params; ++i) {
      one.params.emplace_back(params[i].data == nullptr ? "NULL" : std::string(params[i].data, params[i].size));
    }
    taken.push_back(std::move(one));
    return answer ? answer() : Verdict{};
  }
  Verdict query(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                std::size_t n_params, std::unique_ptr<Rows>& rows) override {
    const Verdict verdict = exec(event_index, flags, sql, params, n_params);
    if (verdict.status == PROJECTOR_OK) {
      rows = std::make_unique<FakeRows>(cells, living_rows);
    }
    return verdict;
  }

  std::function<Verdict()> answer; ///< empty: OK
  std::vector<std::vector<std::string>> cells = {{"1", "2"}};
  std::vector<Taken> taken;
  int living_rows = 0;
};

} // namespace projector::plugin::test
