#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace projector::config {

struct Member;

/// A TOML value as plain data, with its place. Options and environment variables become such values, too, so that the
/// same code reads every layer.
struct Value {
  enum class Kind { String, Integer, Number, Boolean, Date, Array, Table };
  Kind kind = Kind::Table;
  Location where;
  std::string text;            ///< String: its text; Date: "a date", "a time" or "a date and time"
  std::int64_t integer = 0;    ///< Integer
  double number = 0;           ///< Number
  bool boolean = false;        ///< Boolean
  std::vector<Value> elements; ///< Array
  std::vector<Member> members; ///< Table, in the order of the file
};

/// One key of a table.
struct Member {
  std::string key;
  Location where;
  Value value;
};

Value string_value(std::string text, Location where);
/// The member with that key; null if there is none or `table` is not a table.
const Value* find(const Value& table, std::string_view key);
/// The value at the keys of `path`; tables that are missing on the way are made.
Value& make_path(Value& root, const std::vector<std::string>& path, const Location& where);

/// A scalar as a plugin receives it: integers in decimal, numbers as the shortest text that parses to the same value.
std::string text_of(const Value& value);
/// The type for messages, without the value: "a string", "an array of integers".
std::string describe_kind(const Value& value);
/// For messages, with the value of a scalar: the string "abc", the integer 5, true.
std::string describe(const Value& value);
/// In double quotes, cut after 60 bytes, without characters that a terminal would interpret.
std::string quote(std::string_view text);

} // namespace projector::config
