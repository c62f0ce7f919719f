#include "pg/statement_cache.hpp"

#include <functional>
#include <utility>

namespace projector::pg {

bool StatementCache::Key::operator==(const Key& other) const noexcept {
  return text == other.text && scope == other.scope && *types == *other.types;
}

std::size_t StatementCache::Hash::operator()(const Key& key) const noexcept {
  std::size_t hash = std::hash<std::string_view>()(key.text);
  hash = hash * 31 + std::hash<std::string_view>()(key.scope);
  for (const auto type : *key.types) {
    hash = hash * 31 + type;
  }
  return hash;
}

StatementCache::Use StatementCache::use(std::string_view scope, std::string_view text,
                                        const std::vector<std::uint32_t>& types) {
  const Key key{scope, text, &types};
  // Most flights repeat one statement, and comparing it is cheaper than hashing it.
  if (!statements_.empty() && key == key_of(statements_.front())) {
    return {&statements_.front(), false};
  }
  if (const auto found = index_.find(key); found != index_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return {&statements_.front(), false};
  }
  statements_.push_front({"projectord_" + std::to_string(++made_), std::string(scope), std::string(text), types});
  index_.emplace(key_of(statements_.front()), statements_.begin());
  return {&statements_.front(), true};
}

void StatementCache::forget(const Statement& statement) {
  const auto found = index_.find(key_of(statement));
  const auto position = found->second;
  index_.erase(found);
  statements_.erase(position);
}

void StatementCache::retire(const Statement& statement) {
  retired_.push_back(statement.name);
  forget(statement);
}

void StatementCache::trim() {
  while (statements_.size() > bound_) {
    retire(statements_.back());
  }
}

std::vector<std::string> StatementCache::take_retired() {
  return std::exchange(retired_, {});
}

} // namespace projector::pg
