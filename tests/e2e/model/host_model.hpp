#pragma once

#include "disk.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::test::model {

/// What projector_workers shows of a projection.
struct Shown {
  enum class State { Runs, Failed, Refused, Missing };
  State state = State::Runs; ///< Runs: live or catching_up
  std::string version;       ///< of the plugin, if it Runs or Failed
  std::uint64_t generation = 0;
  std::vector<std::string> reason; ///< texts in the reason, in this order, the first at its beginning; none: no reason
};

/// What a running host makes of its files, without time: every look takes in what is on the disk and sees its
/// consequences to the end. Pure, and no code of the host. One thread.
/// *Desired* is what configuration and files request. Included files apply one by one; the last good version of one
/// with errors stays in force, also over a new start; without one its projection is refused, unless it runs already.
/// While the main file has errors, nothing of the configuration changes. A plugin file that no table names runs under
/// its own name, unless one has named it: in this life, in a file with errors, or when a checkpoint was last opened.
///
/// *Running* is a generation: a file and a configuration under a number, which is the next of its projection in this
/// life of the host. Another file or configuration is an *attempt* at a new one. Checked before anything is stopped, it
/// can be refused and takes no number. Else it takes one and is *on trial* until its first batch: where it fails, the
/// generation before comes back under its own number. A generation that itself failed, or none, leaves nothing to come
/// back to: then there is no trial. An attempt that failed is not made again before file or configuration change.
class HostModel {
public:
  using Names = std::set<std::string>;

  /// A new life of the host begins.
  void start(const Disk& disk);
  /// The host has scanned all files. Returns the projections whose workers may have ended or started; all others keep
  /// their threads.
  Names look(const Disk& disk);

  [[nodiscard]] std::map<std::string, Shown> shown() const;

  /// Beginnings of the lines that the host has logged in this life.
  [[nodiscard]] const std::vector<std::string>& gone_back() const { return gone_back_; } ///< each trial that failed
  [[nodiscard]] const std::vector<std::string>& left() const { return left_; }           ///< each that was replaced

private:
  /// An included file's part of the configuration in force.
  struct Included {
    std::optional<Configuration> good; ///< nothing: it never was
    bool errors = false;
    std::string plugin; ///< that the newest version names, also one with errors
  };
  struct Attempt {
    Configuration configuration;
    PluginFile file;
    friend bool operator==(const Attempt&, const Attempt&) = default;
  };
  struct Generation {
    std::uint64_t number = 0;
    Attempt made_of;
    std::string failure; ///< empty: it works
    bool autostarted = false;
  };
  struct Projection {
    std::uint64_t numbers = 0; ///< taken in this life
    std::optional<Generation> running;
    std::optional<Attempt> failed_attempt;
    std::string failed_why;
    bool missing = false;
    void end();
  };

  /// What the stored row of a projection says of it.
  struct Stored {
    std::string plugin;
    bool autostarted = false;
  };

  void load(const Disk& disk);
  void remember_names();
  void take(const std::string& name, const Generation& generation);
  [[nodiscard]] bool runs(const std::string& name) const;
  [[nodiscard]] std::map<std::string, Configuration> desired(const Disk& disk) const;
  [[nodiscard]] static Shown shown(const Projection& projection);
  bool attempt(const std::string& name, Projection& projection, const Attempt& attempt, bool autostarted);

  std::map<std::string, Included> included_;
  std::map<std::string, Projection> projections_;
  Names named_;                          ///< plugins that are not autostarted
  std::map<std::string, Stored> stored_; ///< by projection; outlives the host
  std::vector<std::string> gone_back_;
  std::vector<std::string> left_;
};

/// Why the host takes no generation of this file and configuration, before anything of it runs; empty: it does.
std::string refusal(const Configuration& configuration, const PluginFile& file);
/// Why what it took does not get through its first batch; empty: it does.
std::string failure(const PluginFile& file);

} // namespace projector::test::model
