#pragma once

#include "config/configuration.hpp"
#include "control/missed_events.hpp"
#include "projection/adoption_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::control {

/// What is known about a take-over before it is done.
struct AdoptionFindings {
  projection::AdoptionRequest request;
  projection::AdoptionPlan plan;
  MissedEvents missed;
  std::vector<std::int64_t> repeated; ///< number of events that may be handled twice, by partition
};

/// One line for each row that is kept, moved, inserted or deleted, then the events that may be handled twice and what
/// is not known. Ends with a line feed.
std::string findings_text(const AdoptionFindings& findings);

/// That missed events prevent the take-over, and what can be done about them.
std::string missed_refusal(const AdoptionFindings& findings);

/// What was done and what to do next; ends with a line feed.
std::string adopted_text(const config::Projection& projection, const AdoptionFindings& findings);

} // namespace projector::control
