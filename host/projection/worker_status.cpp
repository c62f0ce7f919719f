#include "projection/worker_status.hpp"

namespace projector::projection {

std::string_view to_string(State state) {
  switch (state) {
  case State::Starting:
    return "starting";
  case State::CatchingUp:
    return "catching_up";
  case State::Live:
    return "live";
  case State::Retrying:
    return "retrying";
  case State::Paused:
    return "paused";
  case State::Standby:
    return "standby";
  case State::Failed:
    return "failed";
  case State::Stopped:
    return "stopped";
  case State::Missing:
    return "missing";
  case State::Refused:
    return "refused";
  }
  return "unknown";
}

} // namespace projector::projection
