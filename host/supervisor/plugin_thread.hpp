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

/// The thread that copies, loads and closes plugin files, which takes as long as file systems and the plugins' own
/// initialisers and finalisers like. It does one after the other, in the order of the calls. Owned by the supervisor;
/// calls from any thread.
class PluginThread {
public:
  /// What came of a launch: `ticket` is the one that prepare() gave it.
  struct Prepared {
    std::uint64_t ticket = 0;
    std::string projection;
    Launch launch;
    bool again = false; ///< nothing is wrong with the plugin: the system had too little for it
  };
  /// `prepared` is called on the thread when take() has something.
  explicit PluginThread(std::function<void()> prepared);
  /// Drops launches that are not begun, and closes the rest for at most `kLast`. What still runs then is left behind.
  ~PluginThread();
  PluginThread(const PluginThread&) = delete;
  PluginThread& operator=(const PluginThread&) = delete;

  /// Has `launch` called; what it needs is its own. Returns the ticket, which no other call gets.
  std::uint64_t prepare(std::string projection, std::function<Launch()> launch);
  /// Launches that are done, each once.
  [[nodiscard]] std::vector<Prepared> take();
  /// Closes the copies of plugins that nothing uses any more, and logs whether they left the process.
  void close(std::string projection, std::vector<Generation> generations);

  /// Whether some thread of this process was left behind. Then the process must end without exit(), which waits for the
  /// dynamic loader, which that thread may hold.
  static bool any_left_behind() noexcept;

  static constexpr base::Duration kLast = std::chrono::seconds(2);

private:
  struct Shared;
  static void run(Shared& shared);
  std::shared_ptr<Shared> shared_; ///< the thread's too, which may outlive this
  std::thread thread_;
};

} // namespace projector::supervisor
