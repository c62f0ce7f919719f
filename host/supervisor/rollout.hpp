#pragma once

#include "supervisor/launch.hpp"

#include <atomic>
#include <memory>
#include <variant>
#include <vector>

namespace projector::supervisor {

/// Which generation of one projection runs, which one follows it, and which one can come back. A value: it has no
/// threads, logs nothing, and is told what the workers have come to. Each transition names the states that it starts
/// from; in any other it throws std::logic_error and changes nothing. It returns the generations that are not needed
/// any more, whose copies of the plugin the caller closes.
class Rollout {
public:
  /// Nothing was started yet.
  struct Idle {};
  /// In force: there is nothing to go back to.
  struct Running {
    Generation generation;
  };
  /// Started in the place of `good`, which comes back where it fails. `flag` is true for as long as that is so, and is
  /// what its workers look at.
  struct OnTrial {
    Generation generation;
    Generation good;
    std::shared_ptr<std::atomic<bool>> flag;
  };
  /// The workers of `ending` were told to end; then `next` starts.
  struct Replacing {
    struct NoFallback {};     ///< `next` starts without a trial
    struct EndingFallback {}; ///< `next` can go back to `ending`
    using Fallback = std::variant<NoFallback, EndingFallback, Generation>;
    Generation ending;
    Generation next;
    Fallback fallback;
  };
  /// The trial failed and the workers of `ending` were told to end; then `good` starts again.
  struct RollingBack {
    Generation ending;
    Generation good;
  };
  /// The workers were told to end, and nothing follows.
  struct Stopping {
    Generation ending;
  };
  struct Stopped {};
  /// Not all workers of `ending` could be made; those that were made were told to end. It can be started again.
  struct Withdrawing {
    Generation ending;
  };
  using State = std::variant<Idle, Running, OnTrial, Replacing, RollingBack, Withdrawing, Stopping, Stopped>;
  using Unneeded = std::vector<Generation>;

  /// Idle -> Running.
  void start(Generation generation);
  /// Running, OnTrial, Replacing, RollingBack or Withdrawing -> Replacing. `in_order` says whether what is Running
  /// works; it does not count in the other states, which know already what can come back.
  Unneeded replace(Generation next, bool in_order);
  /// OnTrial -> Running.
  Unneeded pass();
  /// OnTrial -> RollingBack.
  void roll_back();
  /// Running -> Withdrawing.
  void withdraw();
  /// Any -> Stopping, or Stopped where nothing runs.
  Unneeded stop();
  /// All workers of what was ending have ended: Replacing -> Running or OnTrial; RollingBack -> Running; Withdrawing
  /// -> Idle; Stopping -> Stopped.
  Unneeded ended();

  [[nodiscard]] const State& state() const noexcept { return state_; }
  template <typename T>
  [[nodiscard]] const T* in() const noexcept {
    return std::get_if<T>(&state_);
  }
  /// Workers were told to end and have not ended yet.
  [[nodiscard]] bool ending() const noexcept;
  /// What runs or is ending; null where nothing is.
  [[nodiscard]] const Generation* current() const noexcept;
  /// What would come back if `current` failed its trial, or is coming back; null where nothing would.
  [[nodiscard]] const Generation* good() const noexcept;

private:
  State state_;
};

} // namespace projector::supervisor
