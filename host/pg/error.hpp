#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace projector::pg {

/// What PostgreSQL, libpq or the network said no with.
class Error : public std::runtime_error {
public:
  enum class Kind {
    Statement,  ///< the server refused a statement; the connection is usable
    Connection, ///< no connection, or it broke: whatever ran may or may not have happened
  };

  Error(Kind kind, std::string sqlstate, const std::string& message)
      : std::runtime_error(message), kind_(kind), sqlstate_(std::move(sqlstate)) {}

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool connection_lost() const noexcept { return kind_ == Kind::Connection; }
  /// Five characters, or empty where the server said nothing.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }
  /// Whether the SQLSTATE begins with `prefix`: a class ("40") or one state ("55P03").
  [[nodiscard]] bool is(std::string_view prefix) const noexcept { return sqlstate_.starts_with(prefix); }

private:
  Kind kind_;
  std::string sqlstate_;
};

/// The DSN itself is wrong, so no server was asked. what() names a wrong word, and never a value.
class InvalidDsn : public Error {
public:
  explicit InvalidDsn(const std::string& message) : Error(Kind::Connection, "", message) {}
};

/// A wait for the database ended because the waiting thread was told to stop. The connection is closed.
class Interrupted : public std::runtime_error {
public:
  Interrupted() : std::runtime_error("interrupted: the host is stopping") {}
};

} // namespace projector::pg
