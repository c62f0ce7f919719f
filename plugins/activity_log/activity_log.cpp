#include <projector/plugin.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace activity_log {

/// Writes one row per event, to look up what happened. One statement per batch.
class ActivityLog : public projector::Projection {
public:
  static constexpr projector::Descriptor kDescriptor{
      .name = "activity_log",
      .version = "1.0.0",
      .description = "Lists every event with its aggregate and its trace",
      .tables_by_projection = true,
  };

  explicit ActivityLog(const projector::Context& context)
      : Projection(context), table_(std::string(context.projection_name()) + "_entries"),
        insert_("INSERT INTO " + table_ +
                " (global_position, created_at, event_id, bounded_context, aggregate_type, aggregate_id, event_type,"
                " trace_id, correlation_id, causation_id)"
                " SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[],"
                " $7::text[], $8::text[], $9::text[], $10::text[]) AS entry (position) ORDER BY entry.position"
                " ON CONFLICT (global_position) DO NOTHING") {}

  void setup(projector::Transaction& tx) override {
    tx.exec("CREATE TABLE IF NOT EXISTS " + table_ +
            " (global_position bigint PRIMARY KEY, created_at timestamptz NOT NULL, event_id uuid NOT NULL,"
            " bounded_context text NOT NULL, aggregate_type text NOT NULL, aggregate_id text NOT NULL,"
            " event_type text NOT NULL, trace_id text, correlation_id text, causation_id text)");
  }

  void handle_batch(projector::Transaction& tx, const projector::Batch& batch) override {
    Columns columns;
    columns.reserve(batch.size());
    for (const projector::Event event : batch) {
      columns.push_back(event);
    }
    tx.exec(insert_, columns.positions, columns.times, columns.event_ids, columns.bounded_contexts,
            columns.aggregate_types, columns.aggregate_ids, columns.event_types, columns.trace_ids,
            columns.correlation_ids, columns.causation_ids);
  }

  void reset(projector::Transaction& tx) override { tx.exec("TRUNCATE " + table_); }

private:
  /// The columns of a batch; the texts are views of its events.
  struct Columns {
    std::vector<std::int64_t> positions;
    std::vector<projector::Timestamp> times;
    std::vector<projector::Uuid> event_ids;
    std::vector<std::string_view> bounded_contexts, aggregate_types, aggregate_ids, event_types;
    std::vector<std::optional<std::string_view>> trace_ids, correlation_ids, causation_ids;

    void reserve(std::size_t size) {
      positions.reserve(size);
      times.reserve(size);
      event_ids.reserve(size);
      for (auto* texts : {&bounded_contexts, &aggregate_types, &aggregate_ids, &event_types}) {
        texts->reserve(size);
      }
      for (auto* ids : {&trace_ids, &correlation_ids, &causation_ids}) {
        ids->reserve(size);
      }
    }

    void push_back(const projector::Event& event) {
      positions.push_back(event.global_position());
      times.push_back(event.created_at());
      event_ids.push_back(event.event_id());
      bounded_contexts.push_back(event.bounded_context());
      aggregate_types.push_back(event.aggregate_type());
      aggregate_ids.push_back(event.aggregate_id());
      event_types.push_back(event.event_type());
      trace_ids.push_back(event.trace_id());
      correlation_ids.push_back(event.correlation_id());
      causation_ids.push_back(event.causation_id());
    }
  };

  std::string table_;
  std::string insert_;
};

} // namespace activity_log

PROJECTOR_EXPORT_PROJECTION(activity_log::ActivityLog);
