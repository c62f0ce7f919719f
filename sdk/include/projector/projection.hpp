#pragma once

#include <projector/context.hpp>
#include <projector/events.hpp>
#include <projector/outcomes.hpp>
#include <projector/plugin.h>
#include <projector/transaction.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>

namespace projector {

namespace detail {
class Call;
template <class Type>
struct Bridge;
} // namespace detail

/// The common base of both kinds of projections. One instance serves one partition, on one thread of a process of its
/// own. That process may be killed at any time, so the destructor may not run.
class ProjectionBase {
public:
  virtual ~ProjectionBase() = default;
  ProjectionBase(const ProjectionBase&) = delete;
  ProjectionBase& operator=(const ProjectionBase&) = delete;

  /// Creates the tables, in a transaction of its own. Called once after each construction, so it must be idempotent (IF
  /// NOT EXISTS); the version before must still work on the result. No two setups of a projection run at once.
  virtual void setup(Transaction&) {}
  /// Empties the read model, for all partitions. A projection that does not override it cannot be rebuilt. It runs in
  /// the transaction of the first batch, and again if that is rolled back. Instances on other hosts may be handling
  /// events meanwhile: their statements are committed before it or rolled back, but their effects outside the database
  /// may happen after it.
  virtual void reset(Transaction&) { throw Fatal("this projection cannot be reset"); }
  /// Called with the outcome of the last handle call: true if it was committed, false if it was rolled back. It comes
  /// right before the next call, or once the host has no further events; not if the process ends before.
  virtual void finished(bool committed) { static_cast<void>(committed); }

protected:
  ProjectionBase() = default;
  explicit ProjectionBase(const Context& context) : context_(context) {}

  /// Throws std::logic_error in a constructor that does not take a Context and pass it on to its base class.
  [[nodiscard]] const Context& context() const {
    if (!context_) {
      throw std::logic_error(
          "context() in a constructor: take a const projector::Context& and pass it to the base class");
    }
    return *context_;
  }

private:
  friend class Projection;
  friend class ExternalProjection;
  friend class detail::Call;
  template <class Type>
  friend struct detail::Bridge;
  std::optional<Context> context_;
  std::uint32_t event_at_hand_ = PROJECTOR_NO_EVENT;
};

/// A read model in the database: its statements in the transaction are committed together with the checkpoint,
/// exactly once. Override handle or handle_batch.
class Projection : public ProjectionBase {
public:
  /// Handles one event. Statements and exceptions are charged to it.
  virtual void handle(Transaction&, const Event&) { throw Fatal("override handle or handle_batch"); }
  /// Handles all events of a batch, in order: for one statement for each batch instead of one for each event. Loop over
  /// `batch`, or call begin_event, so that the host knows which event to blame if the process ends.
  virtual void handle_batch(Transaction& transaction, const Batch& batch) {
    for (const Event event : batch) {
      event_at_hand_ = event.index();
      transaction.charge_to(event);
      handle(transaction, event);
    }
    event_at_hand_ = PROJECTOR_NO_EVENT;
    transaction.charge_to_none();
  }

protected:
  using ProjectionBase::ProjectionBase;
};

/// Effects outside the database, at least once: events may come again after a crash. Only setup and reset have a
/// transaction. Override handle or handle_batch.
class ExternalProjection : public ProjectionBase {
public:
  /// Handles one event, completely when this returns. After a Retry the events before it are not handed over again.
  virtual void handle(const Event&) { throw Fatal("override handle or handle_batch"); }
  /// Handles all events of a batch, in order, completely when this returns. After Retry(event, ..) only that event and
  /// those after it are handed over again.
  virtual void handle_batch(const Batch& batch) {
    for (const Event event : batch) {
      event_at_hand_ = event.index();
      handle(event);
    }
    event_at_hand_ = PROJECTOR_NO_EVENT;
  }

protected:
  using ProjectionBase::ProjectionBase;
};

} // namespace projector
