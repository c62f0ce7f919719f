#pragma once

#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "plugin/line_quota.hpp"
#include "plugin/line_splitter.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace projector::plugin {

/// What a runner logs and prints, as clean lines of bounded length and number. Owned and used by the runners' thread.
class RunnerOutput {
public:
  enum class Source { Out, Err, Log }; ///< in the order of the descriptors 1, 2 and 3 of the runner
  static constexpr std::array kSources = {Source::Out, Source::Err, Source::Log};
  static constexpr std::size_t kLongestLine = 8192; ///< bytes; longer ones end with an ellipsis

  /// `level` is one of PROJECTOR_LOG_*, `text` valid UTF-8 without control characters.
  using TakeLine = std::function<void(int level, std::string_view text)>;

  /// Makes the two pipes and the socket pair. Throws std::system_error.
  explicit RunnerOutput(TakeLine take_line);

  /// The runner's ends, in the order of Source, until close_runner_ends() is called.
  [[nodiscard]] std::vector<int> runner_ends() const;
  void close_runner_ends() noexcept;

  /// Of the end to be watched; -1 once it is closed.
  [[nodiscard]] int fd(Source source) const noexcept { return ends_[index(source)].get(); }
  /// Takes what there is now, at most one buffer full, without waiting. False: this source has ended, and is to be
  /// closed once it is not watched any more.
  bool read(Source source, base::TimePoint now);
  void close(Source source) noexcept { ends_[index(source)].reset(); }

  /// The runner has ended: takes what it has left, tells how many lines were dropped, and closes everything. It never
  /// waits for a process that still holds the other ends, nor reads what that one goes on to write.
  void finish(base::TimePoint now);

  /// When report_dropped() is to be called next, if at all.
  [[nodiscard]] std::optional<base::TimePoint> report_at() const { return quota_.report_at(); }
  void report_dropped();

private:
  static std::size_t index(Source source) noexcept { return static_cast<std::size_t>(source); }
  bool read_log(base::TimePoint now);
  std::size_t read_pipe(Source source, std::size_t most, base::TimePoint now);
  void take(int level, std::string_view text, base::TimePoint now);
  LineSplitter::TakeLine taker(Source source, base::TimePoint now);

  const TakeLine take_line_;
  LineQuota quota_;
  std::array<base::UniqueFd, kSources.size()> ends_;
  std::array<base::UniqueFd, kSources.size()> runner_ends_;
  std::array<LineSplitter, 2> splitters_ = {LineSplitter(kLongestLine), LineSplitter(kLongestLine)}; ///< of Out and Err
};

} // namespace projector::plugin
