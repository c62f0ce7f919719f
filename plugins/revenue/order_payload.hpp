#pragma once

#include <string>
#include <string_view>

namespace revenue {

/// What the projection needs of an order.
struct Order {
  std::string currency; ///< three capital letters
  std::string amount;   ///< a plain decimal as it stands in the payload, never through floating point
};

/// The order in a payload such as {"order_id": "7", "amount": 12.34, "currency": "EUR"}; the amount may be a number or
/// a string. Throws std::invalid_argument that says what is wrong with the payload.
Order parse_order(std::string_view payload);

} // namespace revenue
