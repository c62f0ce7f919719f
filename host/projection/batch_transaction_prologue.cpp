#include "projection/batch_transaction.hpp"

#include "pg/quote.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

/// CREATE SCHEMA IF NOT EXISTS asks for the privilege even where the schema is there, and fails where two projections
/// make it at once.
std::string make_schema(const std::string& schema) {
  const auto literal = pg::quote_literal(schema);
  const auto absent = fmt::format("NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {})", literal);
  return "DO " + pg::quote_literal(fmt::format(
                     "BEGIN IF {0} THEN PERFORM pg_advisory_xact_lock(hashtext('projectord schema'), hashtext({1})); "
                     "IF {0} THEN CREATE SCHEMA {2}; END IF; END IF; END",
                     absent, literal, pg::quote_identifier(schema)));
}

} // namespace

void BatchTransaction::send_prologue(pg::Pipeline& pipeline) {
  const pg::Send once;
  const pg::Send keep{
      options_.prepared_statements ? pg::Send::Prepare::Keep : pg::Send::Prepare::Once, pg::Format::Text, false, {}};
  pipeline.send("BEGIN ISOLATION LEVEL READ COMMITTED", {}, once, kBegin);
  const std::string path = options_.schema.empty()
                               ? tables_.search_path
                               : fmt::format("{}, {}", pg::quote_identifier(options_.schema), tables_.search_path);
  // Local to the transaction, so that it also holds behind a pooler that hands out another session for each. A name of
  // the session that the DSN gives stays.
  pipeline.send("SELECT set_config('search_path', $1, true), set_config('synchronous_commit', $2, true),"
                " set_config('lock_timeout', '30s', true), set_config('DateStyle', 'ISO, YMD', true),"
                " set_config('IntervalStyle', 'postgres', true), set_config('TimeZone', 'UTC', true),"
                " set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true),"
                " set_config('standard_conforming_strings', 'on', true), set_config('application_name',"
                " current_setting('application_name') || CASE WHEN current_setting('application_name') IN"
                " ('projectord projection', 'projectorctl projection') THEN ' ' || $3 ELSE '' END, true)",
                pg::Parameters{}.text(path).text(options_.synchronous_commit).text(options_.key.name(), 25), keep,
                kSettings);
  if (!move_) {
    pipeline.send(kLockProjection, pg::Parameters{}.text(options_.key.base), keep, kLock);
    if (!options_.schema.empty()) {
      pipeline.send(make_schema(options_.schema), {}, once, kSchema);
    }
    return;
  }
  if (move_->reset) {
    send_reset(pipeline, keep);
  } else {
    send_move(pipeline, keep);
  }
}

void BatchTransaction::send_move(pg::Pipeline& pipeline, const pg::Send& keep) const {
  const std::string name = options_.key.name();
  pipeline.send(
      fmt::format("UPDATE {} SET position = $2, highest = greatest(highest, $2) WHERE name = $1 AND position = $3",
                  tables_.checkpoints),
      pg::Parameters{}.text(name, 25).int8(move_->to).int8(move_->from), keep, kCompareAndSet);
  pipeline.send(fmt::format("SELECT epoch = $2 AND partitions = $3 FROM {} WHERE checkpoint = $1", tables_.projections),
                pg::Parameters{}
                    .text(options_.key.base, 25)
                    .int8(move_->epoch)
                    .int4(static_cast<std::int32_t>(options_.key.partitions)),
                keep, kFence);
  pipeline.send(fmt::format("UPDATE {} SET last_global_position = $2, updated_at = CASE WHEN updated_at < now() - "
                            "interval '1 second' THEN now() ELSE updated_at END WHERE projection_name = $1 AND "
                            "last_global_position = $3",
                            tables_.mirror),
                pg::Parameters{}.text(name, 25).int8(move_->to).int8(move_->from), keep, kMirror);
}

/// Takes the rows of all partitions, so that a batch that another host has begun either commits before or finds the new
/// epoch.
void BatchTransaction::send_reset(pg::Pipeline& pipeline, const pg::Send& keep) const {
  const std::string& base = options_.key.base;
  pipeline.send(kLockProjection, pg::Parameters{}.text(base), keep, kLock);
  pipeline.send(fmt::format("UPDATE {} SET position = CASE name WHEN $2 THEN $3 ELSE $4 END, "
                            "highest = greatest(highest, position) WHERE checkpoint = $1",
                            tables_.checkpoints),
                pg::Parameters{}.text(base, 25).text(options_.key.name(), 25).int8(move_->to).int8(move_->reset->start),
                keep, kReset);
  pipeline.send(fmt::format("UPDATE {} SET epoch = epoch + 1, read_model_version = $4, rebuild_requested = 0, "
                            "store = coalesce(nullif($5, ''), store) WHERE "
                            "checkpoint = $1 AND epoch = $2 AND partitions = $3 RETURNING true",
                            tables_.projections),
                pg::Parameters{}
                    .text(base, 25)
                    .int8(move_->epoch)
                    .int4(static_cast<std::int32_t>(options_.key.partitions))
                    .int8(move_->reset->read_model_version)
                    .text(move_->reset->store),
                keep, kFence);
  pipeline.send(fmt::format("UPDATE {} m SET last_global_position = c.position, updated_at = now() FROM {} c WHERE "
                            "c.checkpoint = $1 AND m.projection_name = c.name",
                            tables_.mirror, tables_.checkpoints),
                pg::Parameters{}.text(base, 25), keep, kReset);
}

void BatchTransaction::look_at(std::size_t tag, const pg::Result& result) {
  if (failure_) {
    return;
  }
  const auto failed = [&](Failure::Kind kind, std::string text) {
    fail({kind, Reaction::RetryForever, std::move(text), PROJECTOR_NO_EVENT, false});
  };
  if (tag == kCompareAndSet && result.affected() != 1) {
    failed(Failure::Kind::Moved, fmt::format("checkpoint {} is not at {} any more", options_.key.name(), move_->from));
  } else if (tag == kFence && (result.rows() != 1 || result.is_null(0, 0) || !result.boolean(0, 0))) {
    failed(Failure::Kind::Fenced,
           fmt::format("checkpoint {} was repartitioned, reset or moved by an operator", options_.key.base));
  } else if (tag == kMirror && result.affected() != 1) {
    failed(Failure::Kind::Moved,
           fmt::format("the row {} of {} was moved by another program", options_.key.name(), tables_.mirror));
  }
}

} // namespace projector::projection
