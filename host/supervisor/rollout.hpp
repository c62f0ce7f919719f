#pragma once

#include "supervisor/launch.hpp"

#include <atomic>
#include <memory>
#include <variant>
#include <vector>

namespace projector::supervisor {

/// Which generation of one projection runs, which one follows it, and which one can come back. A value without threads
/// and logging; the caller calls it when the workers' states require that. Each transition's comment names the states
/// in which it is allowed; in others it throws std::logic_error and changes nothing. It returns the generations that
/// are not needed any more; the caller closes their copies of the plugin.
class Rollout {
public:
  /// Nothing was started yet.
  struct Idle {};
  /// Runs without a trial: there is no generation to go back to.
  struct Running {
    Generation generation;
  };
  /// Started in place of `good`, which comes back if it fails. `flag` is true during the trial; the workers read it.
  struct OnTrial {
    Generation generation;
    Generation good;
    std::shared_ptr<std::atomic<bool>> flag;
  };
  /// The workers of `ending` were requested to end; `next` starts after them.
  struct Replacing {
    struct NoFallback {};     ///< `next` starts without a trial
    struct EndingFallback {}; ///< `next` can go back to `ending`
    using Fallback = std::variant<NoFallback, EndingFallback, Generation>;
    Generation ending;
    Generation next;
    Fallback fallback;
  };
  /// The trial failed and the workers of `ending` were requested to end; `good` starts again after them.
  struct RollingBack {
    Generation ending;
    Generation good;
  };
  /// The workers were requested to end, and no generation follows.
  struct Stopping {
    Generation ending;
  };
  struct Stopped {};
  /// Not all workers of `ending` could be made; the others were requested to end. It can be started again.
  struct Withdrawing {
    Generation ending;
  };
  using State = std::variant<Idle, Running, OnTrial, Replacing, RollingBack, Withdrawing, Stopping, Stopped>;
  using Unneeded = std::vector<Generation>;

  /// Idle -> Running.
  void start(Generation generation);
  /// Running, OnTrial, Replacing, RollingBack or Withdrawing -> Replacing. `in_order`: whether the Running generation
  /// works; ignored in the other states, in which it is already decided which generation can come back.
  Unneeded replace(Generation next, bool in_order);
  /// OnTrial -> Running.
  Unneeded pass();
  /// OnTrial -> RollingBack.
  void roll_back();
  /// Running -> Withdrawing.
  void withdraw();
  /// Any -> Stopping, or Stopped if nothing runs.
  Unneeded stop();
  /// To be called when all workers of the ending generation have ended: Replacing -> Running or OnTrial; RollingBack ->
  /// Running; Withdrawing -> Idle; Stopping -> Stopped.
  Unneeded ended();

  [[nodiscard]] const State& state() const noexcept { return state_; }
  template <typename T>
  [[nodiscard]] const T* in() const noexcept {
    return std::get_if<T>(&state_);
  }
  /// Whether workers were requested to end and have not ended yet.
  [[nodiscard]] bool ending() const noexcept;
  /// The generation that runs or is ending, or null.
  [[nodiscard]] const Generation* current() const noexcept;
  /// The generation that would come back if `current` failed its trial, or is coming back; null if there is none.
  [[nodiscard]] const Generation* good() const noexcept;

private:
  State state_;
};

} // namespace projector::supervisor
