#include "projection/checkpoint_writer.hpp"

#include "projection/bounded_statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace projector::projection {
namespace {

constexpr base::Duration kBusyPause = std::chrono::milliseconds(10);
constexpr base::Duration kFailedPause = std::chrono::milliseconds(100);

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
    : options_(std::move(options)), tables_(tables), log_(log), thread_([this] { run(); }) {}

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
      // What could not be answered is tried again after a pause.
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

pg::Connection& CheckpointWriter::connection() {
  if (!connection_ || !connection_->usable()) {
    connection_ = std::make_unique<pg::Connection>(options_.connect, stop_, std::chrono::seconds(1));
  }
  return *connection_;
}

bool CheckpointWriter::write(std::vector<Pending>& pending) {
  try {
    connection();
    drop_lost(pending);
    if (!write_together(pending) && !write_apart(pending)) {
      return false;
    }
    reported_ = false;
    return true;
  } catch (const pg::Interrupted&) {
    connection_.reset();
  } catch (const std::exception& error) {
    tell(pending, error);
    if (connection_ && !connection_->reusable()) {
      connection_.reset();
    }
  }
  return false;
}

void CheckpointWriter::drop_lost(std::vector<Pending>& pending) {
  std::erase_if(pending, [&](const Pending& entry) {
    // A session that is older than the read would have died with the server; a younger one proves nothing.
    const bool proven = connection_->own_session() && connection_->connected_at() <= entry.read_at &&
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
    // A lock on a table, or a server in trouble, stops each of them as well.
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
      tell(one, error);
      all = false;
    }
    std::move(one.begin(), one.end(), std::back_inserter(left));
  }
  pending = std::move(left);
  return all;
}

/// What is answered leaves `pending`.
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
  if (options_.same_server && !connection().own_session()) {
    confirm = [this, incarnation = pending.front().incarnation] { return log_.confirm(incarnation, stop_); };
  }
  const auto answers = write_checkpoints(connection(), tables_, moves, options_.lock_timeout, confirm);
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

void CheckpointWriter::tell(const std::vector<Pending>& pending, const std::exception& error) {
  const auto text = fmt::format("its checkpoint cannot be written: {}", describe_error(connection_.get(), error));
  for (const auto& entry : pending) {
    entry.handover->set_trouble(text);
  }
  if (!std::exchange(reported_, true) && options_.report) {
    const auto& key = pending.front().move.key;
    options_.report(pending.size() == 1 ? fmt::format("{}: {}", key.name(), text)
                                        : fmt::format("{} and {} more: {}", key.name(), pending.size() - 1, text));
  }
}

} // namespace projector::projection
