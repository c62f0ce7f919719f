#include "projection/error_policy.hpp"

#include <algorithm>
#include <array>

namespace projector::projection {
namespace {

template <std::size_t N>
bool begins_with_any(std::string_view sqlstate, const std::array<std::string_view, N>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return sqlstate.starts_with(prefix); });
}

constexpr std::array<std::string_view, 8> kTransient{"08", "40", "53", "55P03", "57P", "25006", "25P03", "XX000"};
constexpr std::array<std::string_view, 3> kCounted{"57014", "0A000", "26000"};
constexpr std::array<std::string_view, 8> kEvent{"21", "22", "23", "38", "39", "44", "54", "P0"};

/// These leave the session usable: a wrong number of parameters, a binary parameter of the wrong length.
constexpr std::string_view kProtocolViolation = "08P01";

/// Indexes of the server's catalogue. CREATE .. IF NOT EXISTS looks first and then inserts, so that of two sessions
/// that make the same table, type, schema or function at once, the second one violates one of these.
constexpr std::array<std::string_view, 5> kCatalogueIndexes{
    "pg_type_typname_nsp_index", "pg_class_relname_nsp_index", "pg_namespace_nspname_index",
    "pg_proc_proname_args_nsp_index", "pg_extension_name_index"};

bool made_at_once(const pg::Error& error) {
  const std::string_view text = error.what();
  return error.is("23505") && std::any_of(kCatalogueIndexes.begin(), kCatalogueIndexes.end(),
                                          [&](auto index) { return text.find(index) != std::string_view::npos; });
}

} // namespace

Reaction reaction_to(const pg::Error& error) {
  if (error.connection_lost()) {
    return Reaction::RetryForever;
  }
  return made_at_once(error) ? Reaction::RetryCounted : reaction_to_sqlstate(error.sqlstate());
}

Reaction reaction_to_sqlstate(std::string_view sqlstate) {
  if (sqlstate == kProtocolViolation) {
    return Reaction::Fail;
  }
  if (sqlstate.empty() || begins_with_any(sqlstate, kTransient)) {
    return Reaction::RetryForever;
  }
  if (begins_with_any(sqlstate, kCounted)) {
    return Reaction::RetryCounted;
  }
  return begins_with_any(sqlstate, kEvent) ? Reaction::Reject : Reaction::Fail;
}

Reaction reaction_to_status(projector_status status) {
  switch (status) {
  case PROJECTOR_RETRY:
    return Reaction::RetryCounted;
  case PROJECTOR_REJECT:
    return Reaction::Reject;
  default:
    return Reaction::Fail;
  }
}

projector_status verdict_of(Reaction reaction) {
  switch (reaction) {
  case Reaction::RetryForever:
  case Reaction::RetryCounted:
    return PROJECTOR_RETRY;
  case Reaction::Reject:
    return PROJECTOR_REJECT;
  case Reaction::Fail:
    break;
  }
  return PROJECTOR_FATAL;
}

std::uint32_t Narrowing::limit(std::uint32_t batch_size) const {
  return limit_ == 0 ? batch_size : std::min(limit_, batch_size);
}

bool Narrowing::rejected(std::uint32_t n_events, std::uint32_t event_index, std::int64_t last_position) {
  if (n_events <= 1) {
    return true;
  }
  until_ = std::max(until_, last_position);
  if (event_index == PROJECTOR_NO_EVENT || event_index >= n_events) {
    limit_ = n_events / 2;
  } else {
    limit_ = std::max(event_index, 1u);
  }
  return false;
}

void Narrowing::passed(std::int64_t position) {
  if (position >= until_) {
    limit_ = 0;
    until_ = 0;
  } else if (limit_ > 1) {
    // Halving: what is left of the rejected batch is at most as long as what went well. Where the plugin named an
    // event, the rest is unknown, and the next rejection names it again.
    limit_ = std::max(limit_ / 2, 1u);
  }
}

} // namespace projector::projection
