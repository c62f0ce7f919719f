#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace projector::test {
namespace {

/// Orders as a Go application of the seed library appends them: an amount that was a float64, and no currency.
class ShippedRevenue : public testing::Test {
protected:
  ShippedRevenue() : dsn_(PrivatePostgres::shared().create_database()), host_(dsn_) {
    create_event_store(dsn_);
    query_value(dsn_, "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                      "event_type, payload) SELECT 's', 'Order', i::text, 1, gen_random_uuid(), 'OrderPlaced', "
                      "convert_to(format('{\"user_id\":\"%s\",\"amount\":%s}', i, (ARRAY['99.99', '149.99', '0.1', "
                      "'0.30000000000000004', '1e-07', '1.5e+21', '7'])[i % 7 + 1]), 'UTF8') "
                      "FROM generate_series(1, 700) i");
    host_.install_plugin("revenue");
  }

  const std::string dsn_;
  HostProcess host_;
};

TEST_F(ShippedRevenue, SumsUpOrdersWithoutACurrencyInTheOneOfItsSettings) {
  host_.write_projection_file(
      "revenue", "[projection.revenue]\npartitions = 4\n[projection.revenue.settings]\ndefault_currency = \"CHF\"\n");
  ASSERT_EQ(host_.run({"--until-caught-up", "--timeout", "60s"}), 0) << host_.log();
  const std::string difference =
      query_value(dsn_, "WITH expected AS (SELECT (created_at AT TIME ZONE 'UTC')::date AS day, 'CHF' AS currency, "
                        "count(*) AS orders, sum((convert_from(payload, 'UTF8')::jsonb ->> 'amount')::numeric) AS "
                        "amount FROM events GROUP BY 1), found AS (SELECT day, currency, orders, amount FROM "
                        "revenue_totals) SELECT count(*) FROM ((TABLE expected EXCEPT ALL TABLE found) UNION ALL "
                        "(TABLE found EXCEPT ALL TABLE expected)) AS difference");
  EXPECT_EQ(difference, "0") << query_value(dsn_, "SELECT string_agg(t::text, ' ') FROM revenue_totals t");
  EXPECT_EQ(query_value(dsn_, "SELECT sum(amount) FROM revenue_totals"), "150000000000000000025738.00001000000000400");
}

TEST_F(ShippedRevenue, NamesTheSettingWhereAnOrderHasNoCurrency) {
  host_.start();
  const std::string reason = "SELECT reason FROM projector_workers WHERE name = 'revenue' AND state = 'failed'";
  const auto named = [&] {
    return query_value(dsn_, reason).find("the payload has no 'currency': set default_currency") != std::string::npos;
  };
  ASSERT_TRUE(host_.logs("was rejected")) << host_.log();
  EXPECT_TRUE(eventually(named)) << query_value(dsn_, reason);
  EXPECT_EQ(host_.stop(), 0);
}

} // namespace
} // namespace projector::test
