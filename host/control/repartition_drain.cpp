#include "control/repartition_drain.hpp"

#include "base/wakeup.hpp"
#include "projection/worker.hpp"
#include "supervisor/stores.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>

namespace projector::control {
namespace {

using projection::State;
using Workers = std::vector<std::unique_ptr<projection::Worker>>;

constexpr const char* kProgram = "projectorctl";

std::vector<projection::WorkerStatus> statuses(const Workers& workers) {
  std::vector<projection::WorkerStatus> all;
  all.reserve(workers.size());
  for (const auto& worker : workers) {
    all.push_back(worker->status());
  }
  return all;
}

/// Lets the bookkeeper read the workers' states for as long as this object lives. Both outlive it.
class Publication {
public:
  Publication(projection::Bookkeeper& bookkeeper, const Workers& workers) : bookkeeper_(bookkeeper) {
    bookkeeper.publish_from([&workers] { return statuses(workers); });
  }
  ~Publication() {
    bookkeeper_.publish_from([] { return std::vector<projection::WorkerStatus>(); });
  }
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

private:
  projection::Bookkeeper& bookkeeper_;
};

/// A state that does not end by itself.
bool stuck(const projection::WorkerStatus& status) {
  return status.state == State::Failed || status.state == State::Refused || status.state == State::Standby;
}

/// Waits until all workers have ended. The first that is stuck ends the others, and so does a stop.
Drain wait_for(const Workers& workers, base::Wakeup& changed, const base::Stop& stop) {
  Drain drain;
  bool ending = false;
  while (true) {
    const auto now = statuses(workers);
    const auto bad = std::find_if(now.begin(), now.end(), stuck);
    if (!ending && bad != now.end()) {
      drain.failure = fmt::format("{} is {}: {}", bad->checkpoint, to_string(bad->state), bad->reason);
    }
    if (!ending && (bad != now.end() || stop.requested())) {
      ending = true;
      std::for_each(workers.begin(), workers.end(), [](const auto& worker) { worker->request_stop(); });
    }
    if (std::all_of(now.begin(), now.end(), [](const auto& status) { return status.state == State::Stopped; })) {
      for (const auto& status : now) {
        drain.handled += status.handled;
      }
      drain.interrupted = ending && drain.failure.empty();
      return drain;
    }
    std::array<pollfd, 2> waits{{{ending ? -1 : stop.fd(), POLLIN, 0}, {changed.fd(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), -1);
    changed.take();
  }
}

} // namespace

std::string drain_host() {
  return "projectorctl-" + supervisor::host_name();
}

Drain drain(const config::Configuration& configuration, const supervisor::Generation& generation,
            const std::vector<projection::PartitionBehind>& behind, const base::Stop& stop) {
  const auto stores = supervisor::open_stores(configuration, kProgram, stop);
  projection::CheckpointWriter checkpoints(supervisor::checkpoint_writing(configuration, kProgram, stores),
                                           stores.tables, *stores.log);
  projection::Bookkeeper bookkeeper(supervisor::bookkeeping(configuration, kProgram, drain_host(), stores),
                                    stores.tables, *stores.log);
  const auto runner_host = supervisor::runner_host_of(*stores.log);
  base::Wakeup changed;
  const projection::WorkerServices services{*stores.log,
                                            *stores.pool,
                                            stores.tables,
                                            checkpoints,
                                            bookkeeper,
                                            runner_host,
                                            drain_host(),
                                            configuration.read_model.synchronous_commit,
                                            configuration.read_model.prepared_statements,
                                            stores.same_server,
                                            [&bookkeeper, &changed] {
                                              bookkeeper.poke();
                                              changed.set();
                                            }};
  Workers workers;
  for (std::size_t index = 0; index < behind.size(); ++index) {
    auto assignment = generation.assignments[index];
    assignment.up_to = behind[index].up_to;
    // Shown to whoever waits for this command; no decision about the read model rests on it.
    assignment.projection.restart_interval = base::Duration::zero();
    assignment.projection.rebuild = config::Rebuild::Manual;
    workers.push_back(std::make_unique<projection::Worker>(std::move(assignment), services));
  }
  const Publication publication(bookkeeper, workers);
  return wait_for(workers, changed, stop);
}

} // namespace projector::control
