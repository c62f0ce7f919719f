#include "channel/host_end.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace projector::channel {

namespace {

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

} // namespace

HostEnd::HostEnd(Memory& memory, std::chrono::milliseconds recheck)
    : memory_(memory), recheck_(recheck), turn_(memory.header().turn, memory.options().first_turn, true) {}

HostEnd::Received HostEnd::send(std::uint32_t kind, std::string_view bytes, TimePoint deadline) {
  if (over_) {
    return last_;
  }
  if (!turn_.mine() || kind == kGoOn) {
    throw std::logic_error("the host's end of a channel sent out of turn, or a message without a kind");
  }
  const std::size_t most = memory_.options().to_runner_size;
  while (bytes.size() > most) {
    if (auto given = give(kind, bytes.substr(0, most), true); given.status != Status::Message) {
      return given;
    }
    bytes.remove_prefix(most);
    if (auto waited = wait(deadline); waited.status != Status::Message) {
      return waited.status == Status::TimeUp ? end(Status::TimeUp) : waited;
    }
    Piece answer = {};
    if (auto read = read_slot(answer); read.status != Status::Message) {
      return read;
    }
    if (answer.kind != kGoOn || answer.length != 0 || answer.more) {
      return end(Status::ProtocolError, "the runner answered a piece of a message with kind " + number(answer.kind) +
                                            " and " + number(answer.length) + " bytes, expected a bare turn");
    }
  }
  return give(kind, bytes, false);
}

HostEnd::Received HostEnd::receive(TimePoint deadline) {
  if (over_) {
    return last_;
  }
  if (turn_.mine()) {
    throw std::logic_error("the host's end of a channel waits for a message in its own turn");
  }
  if (kind_ == kGoOn) {
    start_message();
  }
  while (true) {
    if (auto waited = wait(deadline); waited.status != Status::Message) {
      return waited;
    }
    Piece piece = {};
    if (auto taken = take(piece); taken.status != Status::Message) {
      return taken;
    }
    if (!piece.more) {
      kind_ = kGoOn;
      return {Status::Message, piece.kind, received_, {}};
    }
    if (auto given = give(kGoOn, {}, false); given.status != Status::Message) {
      return given;
    }
  }
}

void HostEnd::close() noexcept {
  // First, so that the waiting thread knows this bit of the word from one that the runner has set.
  closed_ = true;
  Turn::close(memory_.header().turn);
}

HostEnd::Received HostEnd::wait(TimePoint deadline) {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    const TimePoint until = std::min(deadline, latest_.load());
    // Not now + recheck alone: the sum may overflow.
    const TimePoint look = until - now > recheck_ ? now + recheck_ : until;
    const Turn::Found found = turn_.wait(look);
    if (found == Turn::Found::Mine) {
      return {};
    }
    if (found != Turn::Found::TimeUp || closed_) {
      return broken(found);
    }
    if (look == until) {
      return {Status::TimeUp};
    }
  }
}

HostEnd::Received HostEnd::pass() {
  // The word may have been written over since it was closed.
  const Turn::Found found = closed_ ? Turn::Found::Closed : turn_.pass();
  return found == Turn::Found::Mine ? Received{} : broken(found);
}

HostEnd::Received HostEnd::end(Status status, std::string problem) {
  over_ = true;
  last_ = {status, 0, {}, std::move(problem)};
  return last_;
}

HostEnd::Received HostEnd::broken(Turn::Found found) {
  if (closed_) {
    return end(Status::Closed);
  }
  if (found == Turn::Found::Closed) {
    return end(Status::ProtocolError, "the runner closed the channel, which is the host's to do");
  }
  return end(Status::ProtocolError, "the turn is number " + number(turn_.word()) + ", expected " + number(turn_.due()));
}

HostEnd::Received HostEnd::give(std::uint32_t kind, std::string_view piece, bool more) {
  if (!piece.empty()) {
    std::memcpy(memory_.to_runner(), piece.data(), piece.size());
  }
  Slot& slot = memory_.header().to_runner;
  slot.kind.store(kind, std::memory_order_relaxed);
  slot.length.store(static_cast<std::uint32_t>(piece.size()), std::memory_order_relaxed);
  slot.more.store(more ? 1 : 0, std::memory_order_relaxed);
  return pass();
}

HostEnd::Received HostEnd::read_slot(Piece& piece) {
  if (!build_checked_) {
    if (auto checked = check_build(); checked.status != Status::Message) {
      return checked;
    }
    build_checked_ = true;
  }
  const Slot& slot = memory_.header().to_host;
  const std::uint32_t more = slot.more.load(std::memory_order_relaxed);
  piece.kind = slot.kind.load(std::memory_order_relaxed);
  piece.length = slot.length.load(std::memory_order_relaxed);
  piece.more = more == 1;
  const std::uint32_t area = memory_.options().to_host_size;
  if (more > 1) {
    return end(Status::ProtocolError, "a message has the mark " + number(more) + ", expected 0 or 1");
  }
  if (piece.length > area || (piece.more && piece.length != area)) {
    return end(Status::ProtocolError, (piece.more ? "a piece of a message has " : "a message has ") +
                                          number(piece.length) + " bytes in an area of " + number(area));
  }
  return {};
}

HostEnd::Received HostEnd::check_build() {
  char build[kBuildIdSize];
  std::memcpy(build, memory_.header().runner_build, sizeof build);
  const std::string_view text(build, ::strnlen(build, sizeof build));
  if (text == kBuildId) {
    return {};
  }
  return end(Status::ProtocolError, "the runner is of build " + std::string(text) + ", this host of build " +
                                        std::string(kBuildId) + ": restart projectord after an upgrade");
}

HostEnd::Received HostEnd::take(Piece& piece) {
  if (auto read = read_slot(piece); read.status != Status::Message) {
    return read;
  }
  if (piece.kind == kGoOn || (kind_ != kGoOn && piece.kind != kind_)) {
    return end(Status::ProtocolError,
               kind_ == kGoOn ? "the runner passed a bare turn, expected a message"
                              : "a message of kind " + number(kind_) + " went on as kind " + number(piece.kind));
  }
  const std::uint64_t most = memory_.options().most_accepted;
  if (piece.length > most - received_.size()) {
    return end(Status::ProtocolError, "a message has more than " + number(most) + " bytes, which are the most for it");
  }
  kind_ = piece.kind;
  received_.append(memory_.to_host(), piece.length);
  return {};
}

void HostEnd::start_message() {
  // A single large message should not stay in memory for as long as its runner lives.
  if (received_.capacity() > std::size_t{2} * memory_.options().to_host_size) {
    received_ = {};
  }
  received_.clear();
}

} // namespace projector::channel
