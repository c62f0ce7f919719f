#include <projector/plugin.hpp>

struct EventTypes : projector::Projection {
  static constexpr projector::Descriptor kDescriptor{"event_types", "1.0", "Counts the events of each type"};

  void setup(projector::Transaction& tx) override {
    tx.exec("CREATE TABLE IF NOT EXISTS event_types (type text PRIMARY KEY, events bigint NOT NULL)");
  }
  void handle(projector::Transaction& tx, const projector::Event& event) override {
    tx.exec("INSERT INTO event_types VALUES ($1, 1) ON CONFLICT (type) DO UPDATE SET events = event_types.events + 1",
            event.event_type());
  }
};
PROJECTOR_EXPORT_PROJECTION(EventTypes);
