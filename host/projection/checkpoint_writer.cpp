#include "projection/checkpoint_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace projector::projection {
namespace {

constexpr base::Duration kBusyPause = std::chrono::milliseconds(10);
constexpr base::Duration kFailedPause = std::chrono::milliseconds(100);
constexpr std::size_t kWrite = 0; ///< the one task of its session

} // namespace

Handover::Answer Handover::answer() const {
  const std::lock_guard lock(mutex_);
  return answer_;
}

std::string Handover::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

Handover::Answer Handover::wait(const base::Stop& stop, base::Duration limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop.token(), limit, [&] { return answer_ != Answer::Pending; });
  return answer_;
}

void Handover::set(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = answer;
  trouble_.clear();
  changed_.notify_all();
}

void Handover::set_trouble(const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = trouble;
}

CheckpointWriter::CheckpointWriter(Options options, const CheckpointTables& tables, eventlog::EventLog& log)
    : options_(std::move(options)), tables_(tables), log_(log), session_(options_.connect, stop_, options_.report),
      thread_([this] { run(); }) {}

CheckpointWriter::~CheckpointWriter() {
  stop_.request();
  thread_.join();
}

std::shared_ptr<Handover> CheckpointWriter::submit(GroupedMove move, std::uint64_t incarnation,
                                                   base::TimePoint read_at) {
  auto handover = std::make_shared<Handover>();
  const std::lock_guard lock(mutex_);
  pending_.push_back({std::move(move), incarnation, read_at, handover});
  changed_.notify_all();
  return handover;
}

void CheckpointWriter::run() {
  std::vector<Pending> pending;
  bool failed = false;
  while (true) {
    const bool last = stop_.requested();
    {
      std::unique_lock lock(mutex_);
      // Positions that could not be written are tried again after a pause.
      const auto until = pending.empty() ? base::never() : base::Clock::now() + (failed ? kFailedPause : kBusyPause);
      changed_.wait_until(lock, stop_.token(), until, [&] { return !failed && !pending_.empty(); });
      std::move(pending_.begin(), pending_.end(), std::back_inserter(pending));
      pending_.clear();
    }
    failed = !pending.empty() && !write(pending);
    if (last) {
      return;
    }
  }
}

bool CheckpointWriter::write(std::vector<Pending>& pending) {
  return session_.attempt(
      kWrite,
      [&] {
        drop_lost(pending);
        return write_together(pending) || write_apart(pending);
      },
      [&](const std::string& error) { return tell(pending, error); });
}

void CheckpointWriter::drop_lost(std::vector<Pending>& pending) {
  const auto& connection = session_.connection();
  std::erase_if(pending, [&](const Pending& entry) {
    // A session that is older than the read would have died with the server; a younger one proves nothing.
    const bool proven = connection.own_session() && connection.connected_at() <= entry.read_at &&
                        log_.incarnation() == entry.incarnation;
    const bool lost = options_.same_server && !proven && !log_.confirm(entry.incarnation, stop_);
    if (lost) {
      entry.handover->set(Handover::Answer::StoreLost);
    }
    return lost;
  });
}

/// False where the server refused a statement, which may be about one row only.
bool CheckpointWriter::write_together(std::vector<Pending>& pending) {
  try {
    answer(pending);
    return true;
  } catch (const pg::Error& error) {
    // A locked table or an overloaded server would stop each row by itself as well.
    if (error.connection_lost() || error.is("55P03") || error.is("53") || error.is("57") || pending.size() < 2) {
      throw;
    }
    return false;
  }
}

bool CheckpointWriter::write_apart(std::vector<Pending>& pending) {
  std::vector<Pending> left;
  bool all = true;
  for (auto& entry : pending) {
    std::vector<Pending> one{entry};
    try {
      answer(one);
    } catch (const pg::Error& error) {
      if (error.connection_lost()) {
        throw; // each entry is pending still, or answered, and an answered one is not written twice
      }
      session_.report_failure(kWrite, tell(one, session_.explain(error)));
      all = false;
    }
    std::move(one.begin(), one.end(), std::back_inserter(left));
  }
  pending = std::move(left);
  return all;
}

/// Writes the positions, and removes from `pending` those that have an answer then.
void CheckpointWriter::answer(std::vector<Pending>& pending) {
  std::erase_if(pending, [](const Pending& entry) { return entry.handover->answer() != Handover::Answer::Pending; });
  if (pending.empty()) {
    return;
  }
  std::vector<GroupedMove> moves;
  moves.reserve(pending.size());
  for (const auto& entry : pending) {
    moves.push_back(entry.move);
  }
  // A connection to a pooler outlives the server; only the transaction's session ends with it.
  std::function<bool()> confirm;
  if (options_.same_server && !session_.connection().own_session()) {
    confirm = [this, incarnation = pending.front().incarnation] { return log_.confirm(incarnation, stop_); };
  }
  const auto answers = write_checkpoints(session_.connection(), tables_, moves, options_.lock_timeout, confirm);
  if (answers.empty()) {
    for (const auto& entry : pending) {
      entry.handover->set(Handover::Answer::StoreLost);
    }
    pending.clear();
    return;
  }
  std::vector<Pending> busy;
  for (std::size_t index = 0; index < pending.size(); ++index) {
    if (answers[index] == MoveAnswer::Busy) {
      busy.push_back(std::move(pending[index]));
    } else {
      pending[index].handover->set(answers[index] == MoveAnswer::Written ? Handover::Answer::Written
                                                                         : Handover::Answer::Moved);
    }
  }
  pending = std::move(busy);
}

std::string CheckpointWriter::tell(const std::vector<Pending>& pending, const std::string& error) {
  const auto text = fmt::format("its checkpoint cannot be written: {}", error);
  for (const auto& entry : pending) {
    entry.handover->set_trouble(text);
  }
  const auto name = pending.front().move.key.name();
  return pending.size() == 1 ? fmt::format("{}: {}", name, text)
                             : fmt::format("{} and {} more: {}", name, pending.size() - 1, text);
}

} // namespace projector::projection
