#include "pg/pool.hpp"

#include "pg/places.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace projector::pg {

namespace {

struct Idle {
  std::unique_ptr<Connection> connection;
  std::string last_owner;
  bool dirty; ///< another owner has used it before last_owner, and it was not reset since
};

struct Waiting : Places::Waiter {
  std::condition_variable_any turn;
};

} // namespace

struct Pool::Shared {
  explicit Shared(PoolOptions wanted)
      : options(std::move(wanted)),
        places({std::max(options.size, 1u), std::max({options.most, options.size, 1u}), options.hold_limit}) {}

  Places::Held wait_for_place(std::string_view owner, const base::Stop& stop);
  void give_back(Places::Held held); ///< under the mutex
  std::optional<Idle> take_idle(std::string_view owner);
  void serve(); ///< wakes all waiters that may have a place; under the mutex

  const PoolOptions options;
  mutable std::mutex mutex;
  Places places;          ///< under the mutex
  std::vector<Idle> idle; ///< under the mutex; the one used last is the last
};

struct Pool::Lease::State {
  std::shared_ptr<Shared> shared;
  Places::Held held;
  Idle session;
  bool needs_reset;

  ~State() {
    // The borrower's Stop may be destroyed before the connection is lent again.
    session.connection->watch(base::no_stop(), base::Duration::zero());
    session.dirty = needs_reset;
    const bool all = session.connection->doubt() == SessionDoubt::All;
    if (!session.connection->reusable()) {
      session.connection.reset();
    }
    std::vector<Idle> closing; // destroyed after the lock, since closing a session writes to its server
    const std::lock_guard lock(shared->mutex);
    if (all) {
      closing.swap(shared->idle);
    }
    if (session.connection && shared->idle.size() < shared->options.size) {
      shared->idle.push_back(std::move(session));
    }
    shared->give_back(held);
  }
};

Places::Held Pool::Shared::wait_for_place(std::string_view owner, const base::Stop& stop) {
  Waiting waiting;
  waiting.owner = owner;
  std::unique_lock lock(mutex);
  places.enter(waiting);
  serve();
  while (!waiting.held) {
    if (stop.requested()) {
      places.leave(waiting);
      serve(); // waiters that may not take the last place while this one waits may have it now
      throw Interrupted();
    }
    const auto until = places.next_change(base::Clock::now()).value_or(base::never());
    if (!waiting.turn.wait_until(lock, stop.token(), until, [&] { return waiting.held.has_value(); })) {
      serve();
    }
  }
  return *waiting.held;
}

void Pool::Shared::give_back(Places::Held held) {
  places.give_back(held);
  serve();
}

void Pool::Shared::serve() {
  const auto now = base::Clock::now();
  while (auto* waiter = places.next(now)) {
    static_cast<Waiting*>(waiter)->turn.notify_one();
  }
}

/// The connection that the same owner used last, else the one that is idle for the longest time, whose last owner is
/// least likely to need it.
std::optional<Idle> Pool::Shared::take_idle(std::string_view owner) {
  const std::lock_guard lock(mutex);
  if (idle.empty()) {
    return std::nullopt;
  }
  const auto own = std::find_if(idle.rbegin(), idle.rend(), [&](const Idle& one) { return one.last_owner == owner; });
  const auto chosen = own == idle.rend() ? idle.begin() : std::prev(own.base());
  Idle taken = std::move(*chosen);
  idle.erase(chosen);
  return taken;
}

Pool::Pool(PoolOptions options) : shared_(std::make_shared<Shared>(std::move(options))) {}

Pool::~Pool() = default;

Pool::Lease Pool::borrow(std::string_view owner, const base::Stop& stop, base::Duration grace) {
  const auto held = shared_->wait_for_place(owner, stop);
  try {
    std::optional<Idle> session;
    do {
      session = shared_->take_idle(owner);
    } while (session && !session->connection->alive());
    const bool needs_reset = session && (session->dirty || session->last_owner != owner);
    if (!session) {
      session = Idle{std::make_unique<Connection>(shared_->options.connect, stop), {}, false};
    }
    session->last_owner = owner;
    session->connection->watch(stop, grace);
    return Lease(std::unique_ptr<Lease::State>(new Lease::State{shared_, held, std::move(*session), needs_reset}));
  } catch (...) {
    const std::lock_guard lock(shared_->mutex);
    shared_->give_back(held);
    throw;
  }
}

void Pool::drop_idle() {
  std::vector<Idle> closing; // destroyed after the lock, like above
  const std::lock_guard lock(shared_->mutex);
  closing.swap(shared_->idle);
}

Pool::Snapshot Pool::snapshot() const {
  const std::lock_guard lock(shared_->mutex);
  const auto in_use = shared_->places.held();
  return {in_use + static_cast<std::uint32_t>(shared_->idle.size()), in_use, shared_->places.waiting()};
}

Pool::Lease::Lease(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pool::Lease::Lease(Lease&&) noexcept = default;
Pool::Lease& Pool::Lease::operator=(Lease&&) noexcept = default;
Pool::Lease::~Lease() = default;

Connection& Pool::Lease::connection() const noexcept {
  return *state_->session.connection;
}

bool Pool::Lease::needs_reset() const noexcept {
  return state_->needs_reset;
}

void Pool::Lease::reset_done() noexcept {
  state_->needs_reset = false;
}

} // namespace projector::pg
