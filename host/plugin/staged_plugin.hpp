#pragma once

#include "base/clock.hpp"
#include "plugin/facts.hpp"
#include "plugin/runner_host.hpp"
#include "plugin/staging.hpp"

#include <memory>
#include <string>

namespace projector::plugin {

/// A staged file whose facts are accepted. Shared by those who start runners from it; the copy is removed with the last
/// one. What runs from it then runs on. Any thread.
class StagedPlugin {
public:
  struct Result;
  /// Copies and checks a file as stage() does, and asks a runner for its facts, so that nothing of the file runs in
  /// this process. Throws std::system_error if the staging directory cannot be used or no process can be started.
  static Result stage(const std::filesystem::path& source, const std::filesystem::path& staging_directory,
                      const RunnerHost& host, base::Duration limit = kLoadTimeout);
  /// Takes the copy over.
  static Result of(StagedFile file, const RunnerHost& host, base::Duration limit = kLoadTimeout);
  ~StagedPlugin();
  StagedPlugin(const StagedPlugin&) = delete;
  StagedPlugin& operator=(const StagedPlugin&) = delete;

  [[nodiscard]] const StagedFile& file() const noexcept { return file_; }
  [[nodiscard]] const Facts& facts() const noexcept { return facts_; }

  /// How long loading a plugin may take, with its static initialisers.
  static constexpr base::Duration kLoadTimeout = std::chrono::seconds(10);

private:
  explicit StagedPlugin(StagedFile file) : file_(std::move(file)) {}
  StagedFile file_;
  Facts facts_;
};

struct StagedPlugin::Result {
  std::shared_ptr<const StagedPlugin> plugin;
  std::optional<Refusal> refusal; ///< its reason begins with the source's path
  std::string unprotected;        ///< see RunnerInstance::Described
};

} // namespace projector::plugin
