#pragma once

#include "pg/connection.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace projector::pg {

struct PoolOptions {
  ConnectOptions connect;
  std::uint32_t size = 8; ///< connections in use at the same time
  std::uint32_t most =
      32; ///< .. including those that do not count for `size`, since they are held for longer than hold_limit
  base::Duration hold_limit = std::chrono::seconds(1);
};

/// Connections shared by all projections. Waiters are served in order, except that one owner (a projection) never holds
/// the last free place while another waits; a connection last used by the same owner is preferred. Any thread.
class Pool {
public:
  explicit Pool(PoolOptions options);
  ~Pool(); ///< to be called after all leases have ended
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// A borrowed connection. The destructor returns it to the pool, or closes it if it is not reusable: broken, still in
  /// a transaction or pipeline, or in doubt because of a failed statement. If the doubt concerns all sessions
  /// (SessionDoubt::All), the idle ones are closed as well. One thread.
  class Lease {
  public:
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) noexcept;
    ~Lease();
    [[nodiscard]] Connection& connection() const noexcept;
    Connection* operator->() const noexcept { return &connection(); }
    /// Whether another owner has used this session since it was connected or last reset, so that its state must be
    /// reset.
    [[nodiscard]] bool needs_reset() const noexcept;
    void reset_done() noexcept;

  private:
    friend class Pool;
    struct State;
    explicit Lease(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };

  /// Waits for a place, then connects if no idle connection is left. Throws Error when connecting fails, Interrupted
  /// when `stop` is requested while waiting or connecting; a place and an idle connection that are free at once are
  /// still given then, for last writes. The lease's connection watches `stop` with `grace`.
  Lease borrow(std::string_view owner, const base::Stop& stop, base::Duration grace);

  /// Closes idle connections, e.g. after the server was lost, or if another user of the server needs one.
  void drop_idle();

  struct Snapshot {
    std::uint32_t open;    ///< idle, in use or being connected
    std::uint32_t in_use;  ///< lent, or being connected for a borrower
    std::uint32_t waiting; ///< waiting borrowers
  };
  [[nodiscard]] Snapshot snapshot() const;

private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

} // namespace projector::pg
