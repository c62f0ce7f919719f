#include "supervisor/rollout.hpp"

#include <stdexcept>
#include <utility>

namespace projector::supervisor {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

[[noreturn]] void refuse_transition(const char* transition) {
  throw std::logic_error(std::string("a projection's rollout was requested to ") + transition +
                         " in a state that does not allow it");
}

Rollout::OnTrial on_trial(Generation generation, Generation good) {
  return {
      .generation = std::move(generation), .good = std::move(good), .flag = std::make_shared<std::atomic<bool>>(true)};
}

} // namespace

void Rollout::start(Generation generation) {
  if (in<Idle>() == nullptr) {
    refuse_transition("start");
  }
  state_ = Running{std::move(generation)};
}

Rollout::Unneeded Rollout::replace(Generation next, bool in_order) {
  using Fallback = Replacing::Fallback;
  Unneeded unneeded;
  if (auto* running = std::get_if<Running>(&state_)) {
    Fallback fallback = in_order ? Fallback(Replacing::EndingFallback{}) : Fallback(Replacing::NoFallback{});
    state_ = Replacing{std::move(running->generation), std::move(next), std::move(fallback)};
  } else if (auto* trial = std::get_if<OnTrial>(&state_)) {
    state_ = Replacing{std::move(trial->generation), std::move(next), std::move(trial->good)};
  } else if (auto* replacing = std::get_if<Replacing>(&state_)) {
    unneeded.push_back(std::exchange(replacing->next, std::move(next)));
  } else if (auto* back = std::get_if<RollingBack>(&state_)) {
    state_ = Replacing{std::move(back->ending), std::move(next), std::move(back->good)};
  } else if (auto* withdrawing = std::get_if<Withdrawing>(&state_)) {
    state_ = Replacing{std::move(withdrawing->ending), std::move(next), Replacing::NoFallback{}};
  } else {
    refuse_transition("replace its generation");
  }
  return unneeded;
}

Rollout::Unneeded Rollout::pass() {
  auto* trial = std::get_if<OnTrial>(&state_);
  if (trial == nullptr) {
    refuse_transition("end a trial well");
  }
  *trial->flag = false;
  Unneeded unneeded;
  unneeded.push_back(std::move(trial->good));
  state_ = Running{std::move(trial->generation)};
  return unneeded;
}

void Rollout::roll_back() {
  auto* trial = std::get_if<OnTrial>(&state_);
  if (trial == nullptr) {
    refuse_transition("roll back");
  }
  state_ = RollingBack{std::move(trial->generation), std::move(trial->good)};
}

void Rollout::withdraw() {
  auto* running = std::get_if<Running>(&state_);
  if (running == nullptr) {
    refuse_transition("withdraw its generation");
  }
  state_ = Withdrawing{std::move(running->generation)};
}

Rollout::Unneeded Rollout::stop() {
  Unneeded unneeded;
  State next = std::visit(Overloaded{[](Running& now) -> State { return Stopping{std::move(now.generation)}; },
                                     [&](OnTrial& now) -> State {
                                       unneeded.push_back(std::move(now.good));
                                       return Stopping{std::move(now.generation)};
                                     },
                                     [&](Replacing& now) -> State {
                                       unneeded.push_back(std::move(now.next));
                                       if (auto* good = std::get_if<Generation>(&now.fallback)) {
                                         unneeded.push_back(std::move(*good));
                                       }
                                       return Stopping{std::move(now.ending)};
                                     },
                                     [&](RollingBack& now) -> State {
                                       unneeded.push_back(std::move(now.good));
                                       return Stopping{std::move(now.ending)};
                                     },
                                     [](Withdrawing& now) -> State { return Stopping{std::move(now.ending)}; },
                                     [](Stopping& now) -> State { return std::move(now); },
                                     [](Idle& /*now*/) -> State { return Stopped{}; },
                                     [](Stopped& now) -> State { return now; }},
                          state_);
  state_ = std::move(next);
  return unneeded;
}

Rollout::Unneeded Rollout::ended() {
  Unneeded unneeded;
  State next = std::visit(Overloaded{[&](Replacing& now) -> State {
                                       if (std::holds_alternative<Replacing::EndingFallback>(now.fallback)) {
                                         return on_trial(std::move(now.next), std::move(now.ending));
                                       }
                                       unneeded.push_back(std::move(now.ending));
                                       if (auto* good = std::get_if<Generation>(&now.fallback)) {
                                         return on_trial(std::move(now.next), std::move(*good));
                                       }
                                       return Running{std::move(now.next)};
                                     },
                                     [&](RollingBack& now) -> State {
                                       unneeded.push_back(std::move(now.ending));
                                       return Running{std::move(now.good)};
                                     },
                                     [&](Withdrawing& now) -> State {
                                       unneeded.push_back(std::move(now.ending));
                                       return Idle{};
                                     },
                                     [&](Stopping& now) -> State {
                                       unneeded.push_back(std::move(now.ending));
                                       return Stopped{};
                                     },
                                     [](auto&) -> State { refuse_transition("go on after an end"); }},
                          state_);
  state_ = std::move(next);
  return unneeded;
}

bool Rollout::ending() const noexcept {
  return in<Replacing>() != nullptr || in<RollingBack>() != nullptr || in<Withdrawing>() != nullptr ||
         in<Stopping>() != nullptr;
}

const Generation* Rollout::current() const noexcept {
  return std::visit(
      Overloaded{[](const Idle&) -> const Generation* { return nullptr; },
                 [](const Running& now) { return &now.generation; }, [](const OnTrial& now) { return &now.generation; },
                 [](const Replacing& now) { return &now.ending; }, [](const RollingBack& now) { return &now.ending; },
                 [](const Withdrawing& now) { return &now.ending; }, [](const Stopping& now) { return &now.ending; },
                 [](const Stopped&) -> const Generation* { return nullptr; }},
      state_);
}

const Generation* Rollout::good() const noexcept {
  return std::visit(Overloaded{[](const OnTrial& now) { return &now.good; },
                               [](const Replacing& now) { return std::get_if<Generation>(&now.fallback); },
                               [](const RollingBack& now) { return &now.good; },
                               [](const auto&) -> const Generation* { return nullptr; }},
                    state_);
}

} // namespace projector::supervisor
