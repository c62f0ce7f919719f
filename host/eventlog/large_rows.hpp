#pragma once

#include "eventlog/segment_builder.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

struct pg_result;

namespace projector::eventlog {

/// A FROM item with the columns of the events table and a last column `large`. If a row's payload or metadata has more
/// than kSegmentBytes, the row comes without both: libpq would need twice that memory, and does not free its buffer.
std::string rows_without_large_text(const std::string& table);
/// The value of the column `large`, which is the last one of a binary row.
bool is_large(const pg_result* row);

/// Whether the table may have such rows. Throws pg::Error, pg::Interrupted.
bool may_hold_large_rows(pg::Connection& connection, const Store& store);

enum class LargeRow { Appended, Gone, Refused };
/// Appends one large event, whose payload and metadata are read in pieces, straight into the builder. `accept` is
/// called with the number of bytes that it needs, before they are allocated; if it returns false, the event is Refused.
/// Gone: the event does not exist any more. Throws like decode_row, pg::Error, pg::Interrupted; the caller has to clear
/// the builder then.
LargeRow append_large_row(pg::Connection& connection, const Store& store, std::int64_t position,
                          SegmentBuilder& builder, const std::function<bool(std::size_t bytes)>& accept);

} // namespace projector::eventlog
