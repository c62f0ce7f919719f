// projector/plugin.hpp: projections in C++, header only. Needs C++17; spans, designated initialisers and calendar types
// come with C++20.
//
//   class UserCounter : public projector::Projection {
//   public:
//     static constexpr projector::Descriptor kDescriptor{
//         .name = "user_names", .version = "1.0.0", .event_types = {"UserCreated"}};
//     void setup(projector::Transaction& tx) override {
//       tx.exec("CREATE TABLE IF NOT EXISTS user_names (id text PRIMARY KEY, since timestamptz)");
//     }
//     void handle(projector::Transaction& tx, const projector::Event& event) override {
//       tx.exec("INSERT INTO user_names VALUES ($1, $2)", event.aggregate_id(), event.created_at());
//     }
//   };
//   PROJECTOR_EXPORT_PROJECTION(UserCounter);
//
// An exception that leaves a function of the projection becomes its outcome:
//   projector::Retry    the same events are handed over again after a pause; likewise std::bad_alloc
//   projector::Reject   one event can never be handled
//   projector::Fatal    this instance is unusable
//   anything else       Reject of the current event in handle, Fatal in the constructor, setup and reset
// A failed statement decides the outcome of the call, whatever exception you catch: its status is returned unchanged.
#pragma once

#include <projector/context.hpp>
#include <projector/descriptor.hpp>
#include <projector/events.hpp>
#include <projector/export.hpp>
#include <projector/outcomes.hpp>
#include <projector/parameters.hpp>
#include <projector/plugin.h>
#include <projector/projection.hpp>
#include <projector/rows.hpp>
#include <projector/transaction.hpp>
#include <projector/values.hpp>
