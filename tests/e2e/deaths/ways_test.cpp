#include "beside_nine.hpp"

#include "support/wait.hpp"

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <vector>

namespace projector::test {
namespace {

/// One way, and what the tenth projection shows afterwards, as a regular expression.
struct Way {
  const char* name;
  const char* where;
  const char* how;
  std::string shows;
  const char* keys = "";
};

void PrintTo(const Way& way, std::ostream* out) { // NOLINT(readability-identifier-naming): GoogleTest's name
  *out << way.name;
}

std::string name_of(const testing::TestParamInfo<Way>& way) {
  return way.param.name;
}

class Dying : public BesideNine, public testing::WithParamInterface<Way> {
protected:
  /// The tenth runs, and the event comes.
  void meet_the_event() {
    add_tenth(dying(GetParam().where, GetParam().how, GetParam().keys));
    tenth_keeps_up();
    deadly_ = append_deadly();
  }
  /// As the way says, with the deadly event's position in the place of POSITION.
  void expect_shown() {
    std::string expected = GetParam().shows;
    if (const auto place = expected.find("POSITION"); place != std::string::npos) {
      expected.replace(place, 8, std::to_string(deadly_));
    }
    EXPECT_TRUE(tenth_becomes(expected)) << tenth() << "\ninstead of\n" << expected << "\n" << everything();
  }

  /// A kernel or a container may not grant it, and a runner with a sanitizer does without.
  [[nodiscard]] bool sandbox_works() const {
    return std::string_view(PROJECTOR_TEST_SANITIZE).empty() &&
           host_.log().find("plugins are not limited in all that they do") == std::string::npos;
  }

  std::int64_t deadly_ = 0;
};

std::string rejected(const std::string& why) {
  return "failed: event at position POSITION \\(Deadly of Order deadly\\) was rejected: " + why;
}
constexpr const char* kSegv =
    "its process ended in handle with signal 11 \\(Segmentation fault\\) at dies\\.so\\+0x[0-9a-f]+, address 0x8";
constexpr const char* kSegvElsewhere =
    "its process ended in handle with signal 11 \\(Segmentation fault\\) at dies\\.so\\+0x[0-9a-f]+, address "
    "0x[0-9a-f]{10,}";
constexpr const char* kAbort = "its process ended in handle with signal 6 \\(Aborted\\)";
constexpr const char* kTime = "its process did not return from handle within 300ms, and was killed";
constexpr const char* kWayOut =
    "; if its sandbox is the cause, allow it with sandbox_read or sandbox_write, or with sandbox = false";
constexpr const char* kTimeLimit = "handle_timeout = \"300ms\"\n";
constexpr const char* kLibraries = "sandbox_read = [\"" PROJECTOR_TEST_BROKEN_PLUGIN_DIR "/libraries\"]\n";

std::vector<Way> ways_at_an_event() {
  return {{"Crash", "handle", "segv", rejected(kSegv)},
          {"CrashInAThreadOfItsOwn", "handle", "thread", rejected(kSegv)},
          {"Abort", "handle", "abort", rejected(kAbort)},
          {"Exit", "handle", "exit", rejected("its process ended in handle with exit code 0")},
          {"ExitAtOnce", "handle", "_exit", rejected("its process ended in handle with exit code 3")},
          {"StackOverflow", "handle", "stack", rejected(kSegvElsewhere)},
          {"OutOfMemory", "handle", "memory", rejected(kAbort), "memory_max = \"64MiB\"\n"},
          {"EndlessLoop", "handle", "loop", rejected(kTime), kTimeLimit},
          {"Deadlock", "handle", "deadlock", rejected(kTime), kTimeLimit},
          {"WriteIntoAnEvent", "handle", "write_event", rejected(kSegvElsewhere)},
          {"Fork", "handle", "fork", rejected("fork: Operation not permitted") + kWayOut},
          {"LookForTheChannel", "handle", "channel", rejected("/proc/self/maps: Permission denied") + kWayOut},
          {"LibraryOutsideOfTheSandbox", "handle", "library",
           rejected("dlopen: .*/libwith_thread\\.so: cannot open shared object file: Permission denied") + kWayOut}};
}

std::vector<Way> ways_that_do_no_harm() {
  return {{"NoDescriptors", "handle", "descriptors", "live"},
          {"ThreadThatOutlivesDestroy", "handle", "leave_thread", "live"},
          {"OtherSurroundings", "handle", "surroundings", "live"},
          {"Output", "handle", "print", "live"},
          {"LibraryWithAThread", "handle", "library", "live", kLibraries}};
}

class AtAnEvent : public Dying {};

TEST_P(AtAnEvent, ThatEventIsNamedAndTheOthersGoOn) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  if (GetParam().shows.ends_with(kWayOut) && !sandbox_works()) {
    GTEST_SKIP() << "needs Landlock and seccomp, and no sanitizer";
  }
  ASSERT_NO_FATAL_FAILURE(meet_the_event());
  expect_shown();
  RecordProperty("reason", tenth());
  EXPECT_EQ(value(fmt::format("SELECT count(*) FROM events e FULL JOIN dies_seen s USING (global_position) WHERE "
                              "(e.global_position IS NULL OR s.global_position IS NULL) <> (global_position >= {})",
                              deadly_)),
            "0")
      << "all events before it are handled, and no other one";
  expect_nine_undisturbed();
  end_with_harmless_version();
}

INSTANTIATE_TEST_SUITE_P(Each, AtAnEvent, testing::ValuesIn(ways_at_an_event()), name_of);

class BeforeAnyEvent : public Dying {};

TEST_P(BeforeAnyEvent, TheOthersGoOn) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  const bool on_load = std::string(GetParam().where) == "load";
  add_tenth(dying(GetParam().where, GetParam().how), built(on_load ? "on_load" : "", "dies"));
  expect_shown();
  RecordProperty("reason", tenth());
  expect_nine_undisturbed();
  end_with_harmless_version();
}

INSTANTIATE_TEST_SUITE_P(
    Each, BeforeAnyEvent,
    testing::Values(Way{"Load", "load", "segv",
                        "refused: .*/plugins/dies\\.so cannot be loaded: its process ended in loading the plugin with "
                        "signal 11 \\(Segmentation fault\\) at dies\\.so\\+0x[0-9a-f]+, address 0x8"},
                    Way{"Create", "create", "segv",
                        "failed: the plugin's create failed: its process ended in create with signal 11 "
                        "\\(Segmentation fault\\) at dies\\.so\\+0x[0-9a-f]+, address 0x8"},
                    Way{"Setup", "setup", "segv",
                        "failed: the plugin's setup failed: its process ended in setup with signal 11 "
                        "\\(Segmentation fault\\) at dies\\.so\\+0x[0-9a-f]+, address 0x8"}),
    name_of);

class Harmless : public Dying {};

TEST_P(Harmless, NobodyNoticesIt) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  ASSERT_NO_FATAL_FAILURE(meet_the_event());
  tenth_keeps_up();
  expect_shown();
  expect_nine_undisturbed();
  end_with_harmless_version();
}

INSTANTIATE_TEST_SUITE_P(Each, Harmless, testing::ValuesIn(ways_that_do_no_harm()), name_of);

/// Prints how far apart the commits of the nine lie in the second before the event and in the two seconds after it.
class Pace : public Dying {
protected:
  bool time_comes(const std::string& time) { return becomes("SELECT clock_timestamp() >= '" + time + "'", "t"); }
};

TEST_P(Pace, DISABLED_OfTheOthers) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying(GetParam().where, GetParam().how, GetParam().keys));
  tenth_keeps_up();
  const std::string begin = value("SELECT clock_timestamp() + interval '1 second'"); // what starts, settles
  const std::string event = value("SELECT timestamptz '" + begin + "' + interval '1 second'");
  const std::string end = value("SELECT timestamptz '" + event + "' + interval '2 seconds'");
  ASSERT_TRUE(time_comes(event));
  append_deadly();
  ASSERT_TRUE(time_comes(end));
  const auto before = gaps(begin, event);
  const auto during = gaps(event, end);
  fmt::print("{:<28} before: median {:5.1f} ms, longest {:6.1f} ms; during: median {:5.1f} ms, longest {:6.1f} ms\n",
             GetParam().name, before.median_ms, before.longest_ms, during.median_ms, during.longest_ms);
}

INSTANTIATE_TEST_SUITE_P(Each, Pace, testing::ValuesIn(ways_at_an_event()), name_of);
INSTANTIATE_TEST_SUITE_P(Harmless, Pace, testing::ValuesIn(ways_that_do_no_harm()), name_of);

} // namespace
} // namespace projector::test
