#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace projector::test::model {

/// A version of the plugin `trial`, as tests/plugins builds it.
struct TrialVersion {
  const char* folder;
  const char* version;
  const char* mark; ///< in the rows of its batches
  std::int64_t read_model;
  friend bool operator==(const TrialVersion& a, const TrialVersion& b) { return a.version == b.version; }
};
constexpr std::array<TrialVersion, 3> kTrialVersions{
    {{".", "1.0.0", "first", 1}, {"v2", "2.0.0", "second", 1}, {"rebuild", "3.0.0", "third", 2}}};

/// One thing that an operator does to one of two workers.
struct WorkerOperation {
  enum class Kind {
    Put,         ///< another version of the plugin
    Kill,        ///< kill -9, and a new start
    Restart,     ///< SIGTERM, and a new start
    Rebuild,     ///< projectorctl rebuild
    RebuildIdle, ///< the same while nobody writes and all events are handled
    Freeze, ///< SIGSTOP; another process with its share and file takes over and goes on; SIGCONT, and that one ends
  };
  Kind kind = Kind::Restart;
  std::size_t worker = 0;
  std::size_t version = 0; ///< with Put, of kTrialVersions
};
std::string to_string(const WorkerOperation& operation);

/// What two workers of one projection with rebuild = "automatic" make of versions of its plugin while events are
/// written, without time. Pure, and no code of the host.
///
/// The stored read model has a version and an epoch. A worker takes a plugin of a higher read model version into use by
/// emptying the read model, which raises both; whatever runs a lower version from then on is refused and takes no part.
/// A plugin of a lower version that is put under a running generation is refused, and that generation keeps running;
/// after a new start there is only the file, whose worker then takes no part. A request rebuilds in the same version,
/// also while one of the workers takes no part. A worker that was frozen goes on as before once its substitute has
/// ended.
class UpgradedWorkers {
public:
  struct Worker {
    std::size_t file = 0; ///< of kTrialVersions
    std::size_t runs = 0; ///< likewise; or would run, were it not refused
    bool takes_part = true;
  };

  void apply(const WorkerOperation& operation);
  /// Whether its outcome is certain: that of a request is where somebody takes part, and everybody who does runs the
  /// file that is in place. Who is frozen has to be somebody whose substitute would run the same version.
  [[nodiscard]] bool allows(const WorkerOperation& operation) const;

  [[nodiscard]] const std::array<Worker, 2>& workers() const { return workers_; }
  [[nodiscard]] std::int64_t read_model() const { return read_model_; }
  [[nodiscard]] std::int64_t epoch() const { return epoch_; }

private:
  void take_into_use(Worker& worker);

  std::array<Worker, 2> workers_;
  std::int64_t read_model_ = 1;
  std::int64_t epoch_ = 1;
};

} // namespace projector::test::model
