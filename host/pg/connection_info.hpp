#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace projector::pg {

struct ConnectOptions;

/// The parameters of one connection attempt for libpq, and the password that no message may show.
class ConnectionInfo {
public:
  /// Throws InvalidDsn if libpq cannot parse the DSN.
  explicit ConnectionInfo(const ConnectOptions& options);
  ConnectionInfo(const ConnectionInfo&) = delete;
  ConnectionInfo& operator=(const ConnectionInfo&) = delete;

  /// Ending with a null pointer, for PQconnectStartParams with expand_dbname.
  [[nodiscard]] const std::vector<const char*>& keywords() const noexcept { return keywords_; }
  [[nodiscard]] const std::vector<const char*>& values() const noexcept { return values_; }
  /// The DSN's connect_timeout if it has one, else that of the options.
  [[nodiscard]] std::chrono::seconds timeout() const noexcept { return timeout_; }
  /// The text with *** for the DSN's password.
  [[nodiscard]] std::string without_password(std::string text) const;

private:
  std::string dsn_;
  std::string application_name_;
  std::string password_;
  std::chrono::seconds timeout_;
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

} // namespace projector::pg
