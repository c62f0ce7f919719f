#include "supervisor/plugin_thread.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

namespace projector::supervisor {
namespace {

std::atomic<bool> left_behind = false;

PluginThread::Prepared carry_out(std::uint64_t ticket, std::string projection, const std::function<Launch()>& launch) {
  PluginThread::Prepared prepared;
  prepared.ticket = ticket;
  prepared.projection = std::move(projection);
  try {
    prepared.launch = launch();
  } catch (const std::system_error& error) {
    prepared.launch.refusal = fmt::format("the plugin cannot be copied: {}; free space or memory there, or set "
                                          "plugins.cache to another directory",
                                          error.what());
    prepared.again = true;
  } catch (const std::exception& error) {
    prepared.launch.refusal = fmt::format("cannot be started: {}", error.what());
    prepared.again = true;
  }
  return prepared;
}

} // namespace

struct PluginThread::Shared {
  struct Job {
    std::string projection;
    std::uint64_t ticket = 0;
    std::function<Launch()> launch;      ///< or ..
    std::vector<Generation> generations; ///< .. to close
  };
  /// The next job; nothing at the end.
  std::optional<Job> next();
  void work(Job job);

  std::mutex mutex; ///< guards all members below
  std::condition_variable changed;
  std::function<void()> prepared; ///< empty: results are no longer wanted
  std::deque<Job> jobs;
  std::vector<Prepared> done;
  std::uint64_t tickets = 0;
  std::string doing; ///< current job, for messages
  bool ending = false;
  bool ended = false;
};

PluginThread::PluginThread(plugin::RunnerHost runner_host, std::function<void()> prepared)
    : runner_host_(std::move(runner_host)), shared_(std::make_shared<Shared>()) {
  shared_->prepared = std::move(prepared);
  thread_ = std::thread([shared = shared_] { run(*shared); });
}

PluginThread::~PluginThread() {
  // Ends the wait for a plugin that is being loaded.
  runner_host_.runners->end();
  std::unique_lock lock(shared_->mutex);
  shared_->ending = true;
  shared_->prepared = nullptr;
  std::erase_if(shared_->jobs, [](const auto& job) { return job.launch != nullptr; });
  for (auto& prepared : shared_->done) {
    if (prepared.launch.generation) {
      shared_->jobs.push_back({prepared.projection, 0, nullptr, {}});
      shared_->jobs.back().generations.push_back(std::move(*prepared.launch.generation));
    }
  }
  shared_->done.clear();
  shared_->changed.notify_all();
  if (shared_->changed.wait_for(lock, kLast, [this] { return shared_->ended; })) {
    lock.unlock();
    thread_.join();
    return;
  }
  left_behind = true;
  spdlog::warn("{}: it still runs after {} s, and the process ends without waiting for it", shared_->doing,
               std::chrono::duration_cast<std::chrono::seconds>(kLast).count());
  lock.unlock();
  thread_.detach();
}

bool PluginThread::any_left_behind() noexcept {
  return left_behind;
}

std::uint64_t PluginThread::prepare(std::string projection, std::function<Launch(const plugin::RunnerHost&)> launch) {
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.push_back({std::move(projection),
                           ++shared_->tickets,
                           [launch = std::move(launch), host = runner_host_] { return launch(host); },
                           {}});
  shared_->changed.notify_all();
  return shared_->tickets;
}

std::vector<PluginThread::Prepared> PluginThread::take() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->done, {});
}

void PluginThread::close(std::string projection, std::vector<Generation> generations) {
  if (generations.empty()) {
    return;
  }
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.push_back({std::move(projection), 0, nullptr, std::move(generations)});
  shared_->changed.notify_all();
}

void PluginThread::run(Shared& shared) {
  ::pthread_setname_np(::pthread_self(), "plugin files");
  while (auto job = shared.next()) {
    try {
      shared.work(std::move(*job));
    } catch (const std::exception& error) {
      spdlog::error("plugin files: {}", error.what());
    }
  }
}

std::optional<PluginThread::Shared::Job> PluginThread::Shared::next() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return !jobs.empty() || ending; });
  if (jobs.empty()) {
    ended = true;
    changed.notify_all();
    return std::nullopt;
  }
  std::optional<Job> job = std::move(jobs.front());
  jobs.pop_front();
  doing =
      fmt::format("{}: {} the plugin", job->projection, job->launch ? "copying and loading" : "removing the copy of");
  return job;
}

void PluginThread::Shared::work(Job job) {
  while (!job.generations.empty()) {
    const auto number = job.generations.back().number;
    job.generations.pop_back();
    spdlog::info("{}: the copy of generation {} is removed", job.projection, number);
  }
  if (!job.launch) {
    return;
  }
  auto answer = carry_out(job.ticket, job.projection, job.launch);
  const std::lock_guard lock(mutex);
  if (prepared) {
    done.push_back(std::move(answer));
    prepared();
  } else if (answer.launch.generation) {
    jobs.push_back({job.projection, 0, nullptr, {}});
    jobs.back().generations.push_back(std::move(*answer.launch.generation));
  }
}

} // namespace projector::supervisor
