#include "channel/runner_end.hpp"

#include <cstring>
#include <stdexcept>

namespace projector::channel {

RunnerEnd::RunnerEnd(Memory& memory)
    : memory_(memory), turn_(memory.header().turn, memory.options().first_turn, false) {
  std::memcpy(memory.header().runner_build, kBuildId.data(), kBuildId.size());
}

std::optional<RunnerEnd::Message> RunnerEnd::receive() {
  if (over_) {
    return std::nullopt;
  }
  if (turn_.mine()) {
    throw std::logic_error("the runner's end of a channel waits for a message in its own turn");
  }
  if (received_.capacity() > std::size_t{2} * memory_.options().to_runner_size) {
    received_ = {};
  }
  received_.clear();
  const Slot& slot = memory_.header().to_runner;
  while (wait()) {
    const std::uint32_t kind = slot.kind.load(std::memory_order_relaxed);
    const std::uint32_t length = slot.length.load(std::memory_order_relaxed);
    const bool more = slot.more.load(std::memory_order_relaxed) != 0;
    if (kind == kGoOn || length > memory_.options().to_runner_size) {
      break;
    }
    const std::string_view piece(memory_.to_runner(), length);
    if (!more && received_.empty()) {
      return Message{kind, piece};
    }
    received_.append(piece);
    if (!more) {
      return Message{kind, received_};
    }
    if (!give(kGoOn, {}, false)) {
      break;
    }
  }
  over_ = true;
  return std::nullopt;
}

bool RunnerEnd::send(std::uint32_t kind, std::string_view bytes) {
  if (over_) {
    return false;
  }
  if (!turn_.mine() || kind == kGoOn) {
    throw std::logic_error("the runner's end of a channel sent out of turn, or a message without a kind");
  }
  if (bytes.size() > memory_.options().most_accepted) {
    throw std::length_error("a message to the host has " + std::to_string(bytes.size()) + " bytes, expected at most " +
                            std::to_string(memory_.options().most_accepted));
  }
  const std::size_t most = memory_.options().to_host_size;
  while (bytes.size() > most) {
    if (!give(kind, bytes.substr(0, most), true) || !wait() ||
        memory_.header().to_runner.kind.load(std::memory_order_relaxed) != kGoOn) {
      over_ = true;
      return false;
    }
    bytes.remove_prefix(most);
  }
  over_ = !give(kind, bytes, false);
  return !over_;
}

bool RunnerEnd::wait() {
  return turn_.wait(std::nullopt) == Turn::Found::Mine;
}

bool RunnerEnd::give(std::uint32_t kind, std::string_view piece, bool more) {
  if (!piece.empty()) {
    std::memcpy(memory_.to_host(), piece.data(), piece.size());
  }
  Slot& slot = memory_.header().to_host;
  slot.kind.store(kind, std::memory_order_relaxed);
  slot.length.store(static_cast<std::uint32_t>(piece.size()), std::memory_order_relaxed);
  slot.more.store(more ? 1 : 0, std::memory_order_relaxed);
  return turn_.pass() == Turn::Found::Mine;
}

} // namespace projector::channel
