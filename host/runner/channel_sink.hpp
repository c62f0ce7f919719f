#pragma once

#include "channel/kind.hpp"
#include "channel/runner_end.hpp"
#include "channel/statements.hpp"
#include "channel/writer.hpp"
#include "plugin/statement_sink.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace projector::runner {

/// The host is gone, or takes nothing more from this runner.
class ChannelClosed : public std::runtime_error {
public:
  ChannelClosed() : std::runtime_error("the host has closed the channel") {}
};

/// Sends a plugin's statements to the host, many at once: the host answers at a query, after `queue_bytes`, and at the
/// call's end. Owned by the loop that serves the calls; its thread only.
class ChannelSink final : public plugin::StatementSink {
public:
  /// Borrows the end.
  explicit ChannelSink(channel::RunnerEnd& end, std::size_t queue_bytes = kQueueBytes)
      : end_(end), queue_bytes_(queue_bytes) {}

  plugin::Verdict exec(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                       std::size_t n_params) override;
  plugin::Verdict query(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                        std::size_t n_params, std::unique_ptr<plugin::Rows>& rows) override;
  /// Ends the call: sends the rest of the queue with the plugin's verdict. Throws ChannelClosed.
  void end(const channel::Verdict& verdict);

  static constexpr std::size_t kQueueBytes = std::size_t{256} << 10;

private:
  channel::RunnerEnd::Message ask(channel::Kind request);

  channel::RunnerEnd& end_;
  const std::size_t queue_bytes_;
  channel::Writer queue_;
};

} // namespace projector::runner
