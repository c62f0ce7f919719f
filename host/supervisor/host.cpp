#include "supervisor/host.hpp"

#include "base/backoff.hpp"
#include "base/memory_protection.hpp"
#include "eventlog/event_log.hpp"
#include "projection/bookkeeper.hpp"
#include "supervisor/caught_up.hpp"
#include "supervisor/signals.hpp"
#include "supervisor/stores.hpp"
#include "supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace projector::supervisor {
namespace {

constexpr const char* kProgram = "projectord";

/// Opens the stores, and retries while a server cannot be reached. Nothing when stopped; throws errors that a retry
/// does not cure.
std::optional<Stores> wait_for_stores(const config::Configuration& configuration, std::uint32_t other_sessions,
                                      const base::Stop& stop) {
  base::Backoff backoff(std::chrono::milliseconds(100), std::chrono::seconds(5));
  std::string reported;
  while (!stop.requested()) {
    try {
      return open_stores(configuration, kProgram, stop, other_sessions);
    } catch (const pg::Interrupted&) {
      break;
    } catch (const pg::Error& error) {
      if (!waiting_helps(error)) {
        throw;
      }
      if (reported != error.what()) {
        reported = error.what();
        spdlog::warn("waiting for PostgreSQL: {}", reported);
      }
    }
    stop.wait_for(backoff.next());
  }
  return std::nullopt;
}

/// Lets the bookkeeper and SIGHUP call the supervisor while this object lives; all of them outlive it.
class Calls {
public:
  Calls(projection::Bookkeeper& bookkeeper, SignalThread& signals, Supervisor& supervisor)
      : bookkeeper_(bookkeeper), signals_(signals) {
    bookkeeper.publish_from([&supervisor] { return supervisor.status(); },
                            [&supervisor](const auto& rebuilds) { supervisor.request(rebuilds); });
    signals.on_hangup([&supervisor] { supervisor.reload(); });
  }
  ~Calls() {
    signals_.on_hangup({});
    bookkeeper_.publish_from([] { return std::vector<projection::WorkerStatus>(); });
  }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

private:
  projection::Bookkeeper& bookkeeper_;
  SignalThread& signals_;
};

struct Outcome {
  int code = 0;
  std::optional<Supervisor::Ended> ended; ///< nothing: the supervisor was not started
};

Outcome run(const HostOptions& options, ConfigurationSource source, SignalThread& signals) {
  source.report();
  const config::Configuration configuration = source.get();
  if (options.timeout) {
    signals.end_at(base::Clock::now() + *options.timeout);
  }

  auto stores = wait_for_stores(configuration, options.until_caught_up ? 1 : 0, signals.stop());
  if (!stores) {
    if (signals.timed_out()) {
      spdlog::error("timed out: PostgreSQL was not reached");
    }
    return {signals.timed_out() ? 1 : 0, std::nullopt};
  }
  const std::string host = host_name();
  projection::CheckpointWriter checkpoints(checkpoint_writing(configuration, kProgram, *stores), stores->tables,
                                           *stores->log);
  projection::Bookkeeper bookkeeper(bookkeeping(configuration, kProgram, host, *stores), stores->tables, *stores->log);

  const auto runner_host = runner_host_of(*stores->log);
  base::Wakeup changed;
  const projection::WorkerServices services{*stores->log,
                                            *stores->pool,
                                            stores->tables,
                                            checkpoints,
                                            bookkeeper,
                                            runner_host,
                                            host,
                                            configuration.read_model.synchronous_commit,
                                            configuration.read_model.prepared_statements,
                                            stores->same_server,
                                            [&bookkeeper, &changed] {
                                              bookkeeper.poke();
                                              changed.set();
                                            }};
  Supervisor supervisor({.selection = options.selection, .projections = stores->named}, std::move(source), services,
                        changed);
  std::optional<Calls> calls(std::in_place, bookkeeper, signals, supervisor);
  std::unique_ptr<CaughtUp> caught_up;
  if (options.until_caught_up) {
    caught_up =
        std::make_unique<CaughtUp>(connect_options(configuration.read_model.dsn, kProgram, "control"), stores->tables,
                                   *stores->log, [&supervisor] { return supervisor.outlook(); });
    signals.end_when(caught_up->fd());
  }
  spdlog::info("projectord {} runs as {}", PROJECTOR_VERSION, host);
  const auto ended = supervisor.run(signals.stop().fd());
  calls.reset();
  if (caught_up && (signals.timed_out() || caught_up->result() == CaughtUp::Result::Stuck)) {
    for (const auto& blocking : caught_up->behind()) {
      spdlog::error("{}: {}", signals.timed_out() ? "timed out" : "not caught up", blocking);
    }
    return {1, ended};
  }
  return {0, ended};
}

} // namespace

int run_host(const HostOptions& options, ConfigurationSource source) {
  base::protect_memory_from_plugins();
  SignalThread signals;
  const auto outcome = run(options, std::move(source), signals);
  if (const auto& ended = outcome.ended) {
    const auto plural = [](std::size_t count) { return count == 1 ? "" : "s"; };
    spdlog::info("ended after {:.2f} s: the batches of {} projection{} ({} partition{}) are finished or rolled back",
                 std::chrono::duration<double>(base::Clock::now() - ended->began).count(), ended->projections,
                 plural(ended->projections), ended->partitions, plural(ended->partitions));
  }
  return outcome.code;
}

} // namespace projector::supervisor
