#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace projector::pg {

/// Which statements are prepared in one session, or are being prepared by the flight that is in the air. A statement is
/// told apart by scope (the search_path it was parsed under), text and parameter types. Owned by its Connection.
class StatementCache {
public:
  struct Statement {
    std::string name; ///< in the session; never used again for another one
    std::string scope;
    std::string text;
    std::vector<std::uint32_t> types;
  };

  explicit StatementCache(std::size_t bound = 256) : bound_(bound) {}

  struct Use {
    Statement* statement; ///< valid until it is forgotten or trimmed
    bool prepare;         ///< it is new: its Prepare has to go first
  };
  Use use(std::string_view scope, std::string_view text, const std::vector<std::uint32_t>& types);

  /// Its Prepare did not succeed, or the server lost it: the next use prepares anew.
  void forget(const Statement& statement);
  /// As forget, of one that is prepared on the server.
  void retire(const Statement& statement);
  /// Retires those used longest ago, down to the bound. Only when no flight is in the air.
  void trim();
  /// The names of retired statements, to be deallocated on the server by the caller.
  [[nodiscard]] std::vector<std::string> take_retired();
  [[nodiscard]] std::size_t size() const noexcept { return statements_.size(); }

private:
  /// Views into a Statement.
  struct Key {
    std::string_view scope;
    std::string_view text;
    const std::vector<std::uint32_t>* types;
    bool operator==(const Key& other) const noexcept;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  static Key key_of(const Statement& statement) { return {statement.scope, statement.text, &statement.types}; }

  std::size_t bound_;
  std::uint64_t made_ = 0;
  std::list<Statement> statements_; ///< last used first
  std::unordered_map<Key, std::list<Statement>::iterator, Hash> index_;
  std::vector<std::string> retired_;
};

} // namespace projector::pg
