#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace projector::pg {

/// The statements that are prepared in one session, or are being prepared by the current flight. The key of a statement
/// is its scope (the search_path with which it was parsed), text and parameter types. Owned by its Connection.
class StatementCache {
public:
  struct Statement {
    std::string name; ///< in the session; never reused for another statement
    std::string scope;
    std::string text;
    std::vector<std::uint32_t> types;
  };

  explicit StatementCache(std::size_t bound = 256) : bound_(bound) {}

  struct Use {
    Statement* statement; ///< valid until it is forgotten or trimmed
    bool prepare;         ///< it is new and has to be prepared first
  };
  Use use(std::string_view scope, std::string_view text, const std::vector<std::uint32_t>& types);

  /// Called if preparing it failed, or if the server does not have it any more: the next use prepares it again.
  void forget(const Statement& statement);
  /// Like forget, for a statement that the server still has.
  void retire(const Statement& statement);
  /// Retires the least recently used statements until the bound holds. Only between flights.
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
