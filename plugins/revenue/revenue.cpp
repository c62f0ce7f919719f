#include "order_payload.hpp"

#include <projector/plugin.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace revenue {

/// Number and sum of orders by day and currency. The server adds up each batch exactly and writes the sums in key
/// order, without which partitions would deadlock on the rows that they share.
class Revenue : public projector::Projection {
public:
  static constexpr projector::Descriptor kDescriptor{
      .name = "revenue",
      .version = "1.0.0",
      .description = "Sums up orders by day and currency",
      .event_types = {"OrderPlaced"},
      .settings = {{.key = "currency",
                    .default_value = "",
                    .description = "Count orders in this currency only, such as EUR; all of them when empty"},
                   {.key = "default_currency",
                    .default_value = "",
                    .description =
                        "The currency of orders whose payload has none; such orders are rejected when empty"}},
      .tables_by_projection = true,
  };

  explicit Revenue(const projector::Context& context)
      : Projection(context), only_currency_(currency_setting(context, "currency")),
        default_currency_(currency_setting(context, "default_currency")),
        table_(std::string(context.projection_name()) + "_totals"),
        add_("INSERT INTO " + table_ +
             " AS stored (day, currency, orders, amount)"
             " SELECT (placed.at AT TIME ZONE 'UTC')::date, placed.currency, count(*), sum(placed.amount::numeric)"
             " FROM unnest($1::timestamptz[], $2::text[], $3::text[]) AS placed (at, currency, amount)"
             " GROUP BY 1, 2 ORDER BY 1, 2"
             " ON CONFLICT (day, currency) DO UPDATE"
             " SET orders = stored.orders + excluded.orders, amount = stored.amount + excluded.amount") {}

  void setup(projector::Transaction& tx) override {
    tx.exec("CREATE TABLE IF NOT EXISTS " + table_ +
            " (day date, currency text, orders bigint NOT NULL, amount numeric NOT NULL,"
            " PRIMARY KEY (day, currency))");
  }

  void handle_batch(projector::Transaction& tx, const projector::Batch& batch) override {
    std::vector<projector::Timestamp> times;
    std::vector<std::string> currencies;
    std::vector<std::string> amounts;
    for (const projector::Event event : batch) {
      Order order = order_of(event);
      if (only_currency_.empty() || order.currency == only_currency_) {
        times.push_back(event.created_at());
        currencies.push_back(std::move(order.currency));
        amounts.push_back(std::move(order.amount));
      }
    }
    if (!times.empty()) {
      tx.exec(add_, times, currencies, amounts);
    }
  }

  void reset(projector::Transaction& tx) override { tx.exec("DELETE FROM " + table_); }

private:
  static std::string currency_setting(const projector::Context& context, const char* key) {
    auto currency = context.setting<std::string>(key);
    if (!currency.empty() && !is_currency(currency)) {
      throw projector::Fatal(std::string("setting '") + key + "' is '" + currency +
                             "', expected three capital letters such as EUR, or nothing");
    }
    return currency;
  }

  [[nodiscard]] Order order_of(const projector::Event& event) const {
    try {
      return parse_order(event.payload(), default_currency_);
    } catch (const std::invalid_argument& error) {
      throw projector::Reject(event, error.what());
    }
  }

  std::string only_currency_;
  std::string default_currency_;
  std::string table_;
  std::string add_;
};

} // namespace revenue

PROJECTOR_EXPORT_PROJECTION(revenue::Revenue);
