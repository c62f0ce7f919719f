#pragma once

#include <string>
#include <string_view>

namespace revenue {

/// The parts of an order that the projection needs.
struct Order {
  std::string currency; ///< three capital letters
  std::string amount;   ///< a decimal number with the digits of the payload, never converted to floating point
};

/// Three capital letters such as EUR.
bool is_currency(std::string_view text);

/// The order in a payload such as {"order_id": "7", "amount": 12.34, "currency": "EUR"}; the amount may be a number or
/// a string. An order without a currency, or with one that is null or empty, gets `default_currency`. Throws
/// std::invalid_argument that says what is wrong with the payload; also where both currencies are empty.
Order parse_order(std::string_view payload, std::string_view default_currency);

} // namespace revenue
