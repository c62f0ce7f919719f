#pragma once

#include "base/clock.hpp"
#include "supervisor/launch.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace projector::supervisor {

/// The thread that copies plugin files, has them loaded and removes the copies, for a slow file system or a plugin's
/// slow initialiser must not block the main thread. It does one job after the other, in the order of the calls. Owned
/// by the supervisor; calls from any thread.
class PluginThread {
public:
  /// The result of a launch; `ticket` is the one that prepare() returned.
  struct Prepared {
    std::uint64_t ticket = 0;
    std::string projection;
    Launch launch;
    bool again = false; ///< to be tried again: it failed for lack of resources
  };
  /// `prepared` is called on the thread when take() has something. Launches need no events of `runner_host`.
  PluginThread(plugin::RunnerHost runner_host, std::function<void()> prepared);
  /// Ends all runners of the host, also those of others, drops launches that have not begun, and finishes the other
  /// jobs within `kLast`. A job that takes longer is left behind.
  ~PluginThread();
  PluginThread(const PluginThread&) = delete;
  PluginThread& operator=(const PluginThread&) = delete;

  /// Calls `launch` on the thread. It must not refer to objects that may be destroyed first. Returns a unique ticket.
  std::uint64_t prepare(std::string projection, std::function<Launch(const plugin::RunnerHost&)> launch);
  /// The results of finished launches, each once.
  [[nodiscard]] std::vector<Prepared> take();
  /// Removes the copies of plugin files that nobody else uses.
  void close(std::string projection, std::vector<Generation> generations);

  /// Whether some thread of this process was left behind. Then the process must end without exit(), which waits for the
  /// dynamic loader, which that thread may hold.
  static bool any_left_behind() noexcept;

  static constexpr base::Duration kLast = std::chrono::seconds(2);

private:
  struct Shared;
  static void run(Shared& shared);
  const plugin::RunnerHost runner_host_; ///< without events
  std::shared_ptr<Shared> shared_;       ///< shared with the thread, which may outlive this object
  std::thread thread_;
};

} // namespace projector::supervisor
