#include "order_payload.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace revenue {

namespace {

constexpr std::size_t kLongestAmount = 64;
constexpr std::size_t kLongestExponent = 2;
constexpr std::size_t kLongestQuote = 80;

/// Collects two members of the outermost object. Numbers are kept as the payload's text: nlohmann's values store a
/// double, but its SAX interface also gives the text.
class OrderReader : public nlohmann::json_sax<nlohmann::json> {
public:
  std::optional<std::string> amount;
  std::optional<std::string> currency;
  std::string problem;
  bool is_object = false;

  bool null() override {
    if (is_member("currency")) {
      currency.reset();
      return true;
    }
    return other_value("null");
  }
  bool boolean(bool value) override { return other_value(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { return number(text); }
  bool string(string_t& value) override {
    if (is_member("amount")) {
      amount = value;
    } else if (is_member("currency")) {
      currency = value;
    }
    return true;
  }
  bool binary(binary_t& /*value*/) override { return other_value("bytes"); }
  bool start_object(std::size_t /*elements*/) override {
    is_object = is_object || depth_ == 0;
    return other_value("an object") && deeper();
  }
  bool end_object() override { return shallower(); }
  bool start_array(std::size_t /*elements*/) override { return other_value("an array") && deeper(); }
  bool end_array() override { return shallower(); }
  bool key(string_t& value) override {
    if (depth_ == 1) {
      key_ = value;
    }
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    const std::string_view text = error.what();
    const std::size_t end_of_id = text.find("] ");
    problem = "the payload is not valid JSON: ";
    problem += text.substr(end_of_id == std::string_view::npos ? 0 : end_of_id + 2);
    return false;
  }

private:
  [[nodiscard]] bool is_member(std::string_view name) const { return depth_ == 1 && key_ == name; }
  bool number(const std::string& text) {
    if (is_member("amount")) {
      amount = text;
      return true;
    }
    return other_value("a number");
  }
  bool other_value(const std::string& found) {
    if (is_member("amount")) {
      problem = "'amount' is " + found + ", expected a number or a string such as \"12.34\"";
    } else if (is_member("currency")) {
      problem = "'currency' is " + found + ", expected a string such as \"EUR\"";
    }
    return problem.empty();
  }
  bool deeper() {
    ++depth_;
    return true;
  }
  bool shallower() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
  std::string key_;
};

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

/// Removes digits from the front; false if there are none.
bool take_digits(std::string_view& text) {
  const std::size_t size = std::find_if_not(text.begin(), text.end(), is_digit) - text.begin();
  text.remove_prefix(size);
  return size > 0;
}

bool take_one_of(std::string_view characters, std::string_view& text) {
  const bool found = !text.empty() && characters.find(text.front()) != std::string_view::npos;
  text.remove_prefix(found ? 1 : 0);
  return found;
}

/// -12.34 or 1.5e+21: no blanks, no plus sign in front, digits on both sides of a point, at most two in the exponent.
bool is_decimal(std::string_view text) {
  take_one_of("-", text);
  if (!take_digits(text) || (take_one_of(".", text) && !take_digits(text))) {
    return false;
  }
  if (take_one_of("eE", text)) {
    take_one_of("+-", text);
    return text.size() <= kLongestExponent && take_digits(text) && text.empty();
  }
  return text.empty();
}

std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char character : text.substr(0, kLongestQuote)) {
    quoted += static_cast<unsigned char>(character) < 0x20 ? '?' : character;
  }
  return quoted + (text.size() > kLongestQuote ? "..'" : "'");
}

} // namespace

bool is_currency(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Order parse_order(std::string_view payload, std::string_view default_currency) {
  OrderReader reader;
  nlohmann::json::sax_parse(payload.begin(), payload.end(), &reader);
  if (!reader.problem.empty()) {
    throw std::invalid_argument(reader.problem);
  }
  if (!reader.is_object) {
    throw std::invalid_argument("the payload is not a JSON object");
  }
  if (!reader.amount) {
    throw std::invalid_argument("the payload has no 'amount'");
  }
  if (reader.amount->size() > kLongestAmount) {
    throw std::invalid_argument("'amount' has " + std::to_string(reader.amount->size()) +
                                " characters, expected at most " + std::to_string(kLongestAmount));
  }
  if (!is_decimal(*reader.amount)) {
    throw std::invalid_argument("'amount' is " + quote(*reader.amount) +
                                ", expected a decimal number such as 12.34, with an exponent of at most two digits");
  }
  if (!reader.currency || reader.currency->empty()) {
    reader.currency = default_currency;
  }
  if (reader.currency->empty()) {
    throw std::invalid_argument("the payload has no 'currency': set default_currency in the projection's settings to "
                                "the currency of such orders");
  }
  if (!is_currency(*reader.currency)) {
    throw std::invalid_argument("'currency' is " + quote(*reader.currency) +
                                ", expected three capital letters such as EUR");
  }
  return {*std::move(reader.currency), *std::move(reader.amount)};
}

} // namespace revenue
