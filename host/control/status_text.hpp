#pragma once

#include "control/status.hpp"

#include <string>

namespace projector::control {

/// A table for people, one line per partition, with reasons cut to fit; problems of the databases come first. With
/// `whole_reasons` each reason follows in full. Ends with a line feed.
std::string status_text(const Status& status, bool whole_reasons = false);

/// The same for programs: {"event_store": {"last_position"}, "projections": [{..}]}. Unknown values are null;
/// event_store has "error" if the store cannot be read. Ends with a line feed.
std::string status_json(const Status& status);

/// Problems of the databases, one per line; empty if there are none.
std::string status_notes(const Status& status);

/// A duration for people: 0s, 3.2s, 59s, 1m15s, 5h3m, 12d4h.
std::string age_text(base::Duration age);

} // namespace projector::control
