#include "pg/cancel_request.hpp"

#include <libpq-fe.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace projector::pg {
namespace {

struct Request {
  explicit Request(PGcancel* taken) : cancel(taken, PQfreeCancel) {}

  std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel;
  std::mutex mutex;
  std::condition_variable delivered;
  bool done = false; ///< under the mutex
};

} // namespace

void request_cancel(pg_conn* connection, base::Duration limit) noexcept {
  try {
    const auto request = std::make_shared<Request>(PQgetCancel(connection));
    if (!request->cancel) {
      return;
    }
    // PQcancel connects and reads without a time-out, so it may block for ever if the server is suspended.
    std::thread([request] {
      std::array<char, 256> why_not{};
      PQcancel(request->cancel.get(), why_not.data(), static_cast<int>(why_not.size()));
      const std::lock_guard lock(request->mutex);
      request->done = true;
      request->delivered.notify_all();
    }).detach();
    std::unique_lock lock(request->mutex);
    request->delivered.wait_for(lock, limit, [&] { return request->done; });
  } catch (...) {
    // Without memory or a thread no request is sent; the server notices by itself that the session has ended.
    return;
  }
}

} // namespace projector::pg
