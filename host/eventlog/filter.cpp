#include "eventlog/filter.hpp"

#include <algorithm>

namespace projector::eventlog {
namespace {

bool allows(const std::vector<std::string>& list, std::string_view value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

} // namespace

bool Filter::matches(const EventKind& kind) const {
  return allows(event_types, kind.event_type) && allows(aggregate_types, kind.aggregate_type) &&
         allows(bounded_contexts, kind.bounded_context);
}

} // namespace projector::eventlog
