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

/// Appends one large event, whose payload is read in pieces, straight into the builder. `found` is told how many bytes
/// it takes, before these are needed. False: the event is not there any more. Throws as decode_row, pg::Error,
/// pg::Interrupted; the connection is in a transaction then, or closed.
bool append_large_row(pg::Connection& connection, const Store& store, std::int64_t position, SegmentBuilder& builder,
                      const std::function<void(std::size_t bytes)>& found);

} // namespace projector::eventlog
