#pragma once

#include "config/configuration.hpp"
#include "control/missed_events.hpp"
#include "projection/adoption_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::control {

/// What was found out about a take-over.
struct AdoptionFindings {
  projection::AdoptionRequest request;
  projection::AdoptionPlan plan;
  MissedEvents missed;
  std::vector<std::int64_t> repeated; ///< events of each partition that may be handled twice, by partition
};

/// One line for each row that is kept, moved, inserted or deleted, then what may be handled twice and what is not
/// known; ends with a line feed.
std::string findings_text(const AdoptionFindings& findings);

/// Why the missed events keep the take-over from being done, and what can be done about them.
std::string missed_refusal(const AdoptionFindings& findings);

/// What was done and what to do next; ends with a line feed.
std::string adopted_text(const config::Projection& projection, const AdoptionFindings& findings);

} // namespace projector::control
