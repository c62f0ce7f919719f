// A host that is operated at random while events are written, compared with a model at every step.
//
//   PROJECTOR_MODEL_SEED=N         the seed of a run that is to be repeated; the test prints it
//   PROJECTOR_MODEL_OPERATIONS=N   another number of operations
//
// The same seed gives the same operations. What the host does between two of them still depends on time.
#include "compared_run.hpp"
#include "operations.hpp"

#include "support/event_writers.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace projector::test::model {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Operation operation_of(Operation::Kind kind) {
  Operation operation;
  operation.kind = kind;
  return operation;
}

Operation put(const std::string& plugin) {
  Operation operation = operation_of(Operation::Kind::PutPlugin);
  operation.name = plugin;
  operation.plugin.takes_position = plugin == "settable";
  return operation;
}

Operation write(const std::string& projection, const std::string& plugin) {
  Operation operation = operation_of(Operation::Kind::PutProjection);
  operation.name = projection;
  operation.projection.configuration.plugin = plugin;
  operation.projection.configuration.position = plugin == "settable" ? "-1" : "";
  return operation;
}

/// Two projections share `recorder`, two plugins run without a table.
std::vector<Operation> installation() {
  return {put("recorder"),
          put("notebook"),
          put("register"),
          put("settable"),
          write("alpha", "recorder"),
          write("beta", "recorder"),
          write("settable", "settable")};
}

/// After these, every projection runs a good version.
std::vector<Operation> repairs() {
  std::vector<Operation> operations{operation_of(Operation::Kind::RepairMain)};
  const auto first = installation();
  operations.insert(operations.end(), first.begin(), first.end());
  operations.push_back(write("notebook", "notebook"));
  operations.push_back(write("recorder", "recorder"));
  operations.push_back(write("register", "register"));
  return operations;
}

/// Operations that do not wait for the host, the repairs, and a new host.
void burst(ComparedRun& run, OperationGenerator& generator) {
  Disk disk = run.disk();
  std::vector<Operation> operations;
  std::vector<bool> waits;
  while (operations.size() < 10) {
    operations.push_back(disk.main_broken ? operation_of(Operation::Kind::RepairMain) : generator.next_change(disk));
    waits.push_back(generator.chance(50));
    apply(operations.back(), disk);
  }
  run.burst(operations, waits, repairs());
  if (!testing::Test::HasFatalFailure()) {
    run.step(operation_of(generator.chance(50) ? Operation::Kind::Kill : Operation::Kind::Restart));
  }
}

TEST(RandomOperations, StatesGenerationsAndReadModelsAgreeWithTheModelAtEveryStep) {
  const std::uint64_t seed = number_from("PROJECTOR_MODEL_SEED", size_of_run(163, std::random_device{}()));
  const std::uint64_t operations = number_from("PROJECTOR_MODEL_OPERATIONS", size_of_run(40, 1000));
  fmt::print("PROJECTOR_MODEL_SEED={} PROJECTOR_MODEL_OPERATIONS={}\n", seed, operations);
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  std::optional<EventWriters> writers(std::in_place, dsn,
                                      EventWriters::Options{.writers = 3,
                                                            .events = std::numeric_limits<std::uint64_t>::max(),
                                                            .seed = static_cast<std::uint32_t>(seed),
                                                            .pause_us = 50000});
  ComparedRun run(dsn, seed);
  run.begin(installation());
  OperationGenerator generator(seed);
  for (std::uint64_t done = 0; done < operations && !HasFatalFailure(); ++done) {
    if (done % 25 == 24) {
      burst(run, generator);
    } else {
      run.step(generator.next(run.disk()));
    }
  }
  for (const auto& operation : repairs()) {
    if (!HasFatalFailure()) {
      run.step(operation);
    }
  }
  writers.reset();
  if (HasFatalFailure()) {
    return;
  }
  for (const auto& [name, partitions] : all_projections()) {
    EXPECT_TRUE(eventually([&dsn, projection = name] {
      return read_model_difference(dsn, "recorder", projection) == 0;
    })) << name
        << run.report();
  }
  EXPECT_EQ(run.host().read_model_faults(true), std::vector<std::string>{}) << run.report();
  EXPECT_EQ(run.host().stop(), 0);
  fmt::print("{} operations, {} events\n", operations, query_value(dsn, "SELECT count(*) FROM events"));
}

} // namespace
} // namespace projector::test::model
