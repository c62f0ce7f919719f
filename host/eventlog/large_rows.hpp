#pragma once

#include "eventlog/segment_builder.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace projector::eventlog {

enum class LargeRow { Appended, Gone, Refused };
/// Appends one large event, whose payload and metadata are read in pieces, straight into the builder. `accept` is
/// called with the number of bytes that it needs, before they are allocated; if it returns false, the event is Refused.
/// Gone: the event does not exist any more. Throws like decode_row, pg::Error, pg::Interrupted; the caller has to clear
/// the builder then.
LargeRow append_large_row(pg::Connection& connection, const Store& store, std::int64_t position,
                          SegmentBuilder& builder, const std::function<bool(std::size_t bytes)>& accept);

} // namespace projector::eventlog
