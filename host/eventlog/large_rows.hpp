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

/// A FROM item with the columns of the events table and a column `large` at the end. A row whose payload or metadata
/// has more than kSegmentBytes comes without both: libpq would hold it twice more, and never gives its buffer back.
std::string rows_without_large_text(const std::string& table);
/// The column `large`, the last one of a binary row.
bool is_large(const pg_result* row);

/// Whether the table can hold such rows now. Throws pg::Error, pg::Interrupted.
bool may_hold_large_rows(pg::Connection& connection, const Store& store);

enum class LargeRow { Appended, Gone, Refused };
/// Appends one large event, whose payload and metadata are read in pieces, straight into the builder. `accept` is asked
/// with the number of bytes that it takes, before these are needed; where it says no, the event is refused. Gone: the
/// event is not there any more. Throws as decode_row, pg::Error, pg::Interrupted; nothing was appended that counts
/// then, and the builder is to be cleared.
LargeRow append_large_row(pg::Connection& connection, const Store& store, std::int64_t position,
                          SegmentBuilder& builder, const std::function<bool(std::size_t bytes)>& accept);

} // namespace projector::eventlog
