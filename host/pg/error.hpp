#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace projector::pg {

/// An error of PostgreSQL, libpq or the network.
class Error : public std::runtime_error {
public:
  enum class Kind {
    Statement,  ///< the server refused a statement; the connection is usable
    Connection, ///< no connection, or it was lost: the running statement may have taken effect or not
  };

  Error(Kind kind, std::string sqlstate, const std::string& message)
      : std::runtime_error(message), kind_(kind), sqlstate_(std::move(sqlstate)) {}

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool connection_lost() const noexcept { return kind_ == Kind::Connection; }
  /// Five characters, or empty if the error does not come from the server.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }
  /// Whether the SQLSTATE begins with `prefix`: a class ("40") or one state ("55P03").
  [[nodiscard]] bool is(std::string_view prefix) const noexcept { return sqlstate_.starts_with(prefix); }

private:
  Kind kind_;
  std::string sqlstate_;
};

/// The DSN itself is invalid, so no connection was tried. what() names a wrong keyword, but never a value.
class InvalidDsn : public Error {
public:
  explicit InvalidDsn(const std::string& message) : Error(Kind::Connection, "", message) {}
};

/// A wait for the database ended because the waiting thread was requested to stop. The connection is closed.
class Interrupted : public std::runtime_error {
public:
  Interrupted() : std::runtime_error("interrupted: the host is stopping") {}
};

} // namespace projector::pg
