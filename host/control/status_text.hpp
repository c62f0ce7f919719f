#pragma once

#include "control/status.hpp"

#include <string>

namespace projector::control {

/// A table for people, one line a partition, with reasons cut to what fits into a line; before it what is the matter
/// with the databases. With `whole_reasons` each reason follows in full. Ends with a line feed.
std::string status_text(const Status& status, bool whole_reasons = false);

/// The same for programs: {"event_store": {"last_position"}, "projections": [{..}]}. What is not known is null;
/// event_store has "error" where the store cannot be read. Ends with a line feed.
std::string status_json(const Status& status);

/// What is the matter with the databases, a line each; empty: nothing.
std::string status_notes(const Status& status);

/// A length of time for people: 0s, 3.2s, 59s, 1m15s, 5h3m, 12d4h.
std::string age_text(base::Duration age);

} // namespace projector::control
