#include "control/missed_events.hpp"

#include "control/partition_of.hpp"

#include <algorithm>
#include <limits>

namespace projector::control {
namespace {

constexpr std::int64_t kPositionsLookedAt = 1'000'000;

struct Range {
  std::int64_t from = 0; ///< exclusive
  std::int64_t to = 0;
};

/// The range that covers all partitions' ranges; empty if all of them are.
Range cover(const std::vector<Range>& ranges) {
  Range all{std::numeric_limits<std::int64_t>::max(), 0};
  for (const auto& range : ranges) {
    if (range.from < range.to) {
      all = {std::min(all.from, range.from), std::max(all.to, range.to)};
    }
  }
  return all.from < all.to ? all : Range{};
}

bool within(const Range& range, std::int64_t position) {
  return position > range.from && position <= range.to;
}

/// The positions below a partition's row in which missed events are searched for.
std::vector<Range> looked_at(const projection::AdoptionPlan& plan) {
  std::vector<Range> ranges;
  for (const auto& one : plan.partitions) {
    const auto to = one.found ? std::min(*one.found, one.position) : 0;
    ranges.push_back({std::max<std::int64_t>({0, to - kPositionsLookedAt, one.own.value_or(0)}), to});
  }
  return ranges;
}

} // namespace

MissedEvents find_missed_events(pg::Connection& connection, const eventlog::Store& store,
                                const projection::AdoptionPlan& plan, base::Duration limit, const base::Stop& stop) {
  MissedEvents missed;
  const auto partitions = static_cast<std::uint32_t>(plan.partitions.size());
  const auto ranges = looked_at(plan);
  const auto all = cover(ranges);
  missed.looked_from = all.from;
  if (!eventlog::keeps_commit_times(connection)) {
    missed.unknown = "the server does not keep commit times (track_commit_timestamp = off)";
  } else if (std::any_of(plan.partitions.begin(), plan.partitions.end(),
                         [](const auto& one) { return one.found && !one.moved_at; })) {
    missed.unknown = "the rows do not tell when they were moved";
  }
  const auto late = eventlog::wait_for_late_events(connection, store, all.from, all.to, limit, stop);
  missed.holders = late.holders;
  const auto add = [&](const eventlog::ScannedEvent& event) {
    missed.events.push_back({event.position, partition_of(event.aggregate_id, partitions), event.aggregate_id});
  };
  for (const auto& event : late.events) {
    if (within(ranges[partition_of(event.aggregate_id, partitions)], event.position)) {
      add(event);
    }
  }
  if (missed.unknown.empty()) {
    missed.events.clear();
    eventlog::scan_events(connection, store, all.from, all.to, true, [&](const eventlog::ScannedEvent& event) {
      const auto partition = partition_of(event.aggregate_id, partitions);
      if (event.committed_at && within(ranges[partition], event.position) &&
          *event.committed_at > *plan.partitions[partition].moved_at) {
        add(event);
      }
    });
  }
  return missed;
}

std::vector<std::int64_t> count_repeated(pg::Connection& connection, const eventlog::Store& store,
                                         const projection::AdoptionPlan& plan) {
  const auto partitions = static_cast<std::uint32_t>(plan.partitions.size());
  std::vector<Range> ranges;
  for (const auto& one : plan.partitions) {
    ranges.push_back({one.position, one.handled});
  }
  std::vector<std::int64_t> counts(plan.partitions.size());
  const auto all = cover(ranges);
  eventlog::scan_events(connection, store, all.from, all.to, false, [&](const eventlog::ScannedEvent& event) {
    const auto partition = partition_of(event.aggregate_id, partitions);
    counts[partition] += within(ranges[partition], event.position) ? 1 : 0;
  });
  return counts;
}

} // namespace projector::control
