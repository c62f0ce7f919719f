#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kDsn = "[event_store]\ndsn = \"dbname=app\"\n";

Configuration loaded(const std::string& tables) {
  return Sources().main(kDsn + tables).configuration();
}

/// The problem of `line` in [projection.a], from the key on.
std::string problem_of(const std::string& line) {
  const auto problems = Sources().main("[projection.a]\n" + line + "\n" + kDsn).main_problems();
  if (problems.size() != 1) {
    return testing::PrintToString(problems);
  }
  const std::string key = ": projection.a.";
  const auto at = problems[0].find(key);
  return at == std::string::npos ? problems[0] : problems[0].substr(at + key.size());
}

TEST(ProcessKeys, DefaultsHoldWhereAProjectionSaysNothing) {
  const Configuration configuration = loaded(R"(
[defaults]
handle_timeout = "1ms"
max_crashes = 1000000
sandbox = false
sandbox_read = ["/opt/lib"]
sandbox_write = ["/srv/out", "/srv/log"]
memory_max = "1024GiB"
nice = 19
[projection.follows]
[projection.other]
handle_timeout = "0s"
max_crashes = 7
sandbox = true
sandbox_read = []
sandbox_write = ["/var/other"]
memory_max = "0B"
nice = 0
)");
  const Projection& follows = configuration.projections.at("follows");
  EXPECT_EQ(follows.handle_timeout, 1ms);
  EXPECT_EQ(follows.max_crashes, 1'000'000u);
  EXPECT_FALSE(follows.sandbox);
  EXPECT_THAT(follows.sandbox_read, ElementsAre("/opt/lib"));
  EXPECT_THAT(follows.sandbox_write, ElementsAre("/srv/out", "/srv/log"));
  EXPECT_EQ(follows.memory_max, std::uint64_t{1} << 40);
  EXPECT_EQ(follows.nice, 19);
  const Projection& other = configuration.projections.at("other");
  EXPECT_EQ(other.handle_timeout, 0s);
  EXPECT_EQ(other.max_crashes, 7u);
  EXPECT_TRUE(other.sandbox);
  EXPECT_THAT(other.sandbox_read, IsEmpty()) << "a list takes the place of the one in [defaults]";
  EXPECT_THAT(other.sandbox_write, ElementsAre("/var/other"));
  EXPECT_EQ(other.memory_max, 0u);
  EXPECT_EQ(other.nice, 0);
}

TEST(ProcessKeys, BuiltInValuesLimitOnlyWhatNoGoodPluginNeeds) {
  const Projection a = loaded("[projection.a]\n").projections.at("a");
  EXPECT_EQ(a.handle_timeout, 5min);
  EXPECT_EQ(a.max_crashes, 5u);
  EXPECT_TRUE(a.sandbox);
  EXPECT_THAT(a.sandbox_read, IsEmpty());
  EXPECT_THAT(a.sandbox_write, IsEmpty());
  EXPECT_EQ(a.memory_max, 0u);
  EXPECT_EQ(a.nice, std::nullopt);
}

TEST(ProcessKeys, EachMakesAnotherConfiguration) {
  const Projection before = loaded("[projection.a]\n").projections.at("a");
  for (const char* line : {"handle_timeout = \"1s\"", "max_crashes = 6", "sandbox = false", "sandbox_read = [\"/opt\"]",
                           "sandbox_write = [\"/opt\"]", "memory_max = \"1GiB\"", "nice = 0"}) {
    const Projection after = loaded(std::string("[projection.a]\n") + line + "\n").projections.at("a");
    EXPECT_FALSE(before == after) << line;
  }
}

TEST(ProcessKeys, PathsNeedNotExistAndAreComparedByWhatTheyName) {
  const auto read = [](const std::string& list) {
    return loaded("[projection.a]\nsandbox_read = " + list + "\n").projections.at("a");
  };
  EXPECT_THAT(read(R"(["/nowhere/at/all", "/"])").sandbox_read, ElementsAre("/nowhere/at/all", "/"));
  EXPECT_EQ(read(R"(["/opt/lib"])"), read(R"(["/opt//lib/", "/opt/./lib"])"));
}

TEST(ProcessKeys, OptionsSetThemToo) {
  Sources sources;
  sources.main(std::string(kDsn) + "[projection.a]\n");
  sources.set("projection.a.sandbox_read=[\"/opt/lib\"]").set("defaults.nice=-5").set("defaults.memory_max=64MiB");
  const Projection a = sources.configuration().projections.at("a");
  EXPECT_THAT(a.sandbox_read, ElementsAre("/opt/lib"));
  EXPECT_EQ(a.nice, -5);
  EXPECT_EQ(a.memory_max, 64u << 20);
  sources.set("projection.a.sandbox_write=[\"out\"]");
  EXPECT_THAT(sources.main_problems(), ElementsAre("--set: projection.a.sandbox_write: found the string \"out\", "
                                                   "expected an absolute path, which begins with /"));
}

TEST(ProcessKeys, ARelativePathIsToldWithItsPlace) {
  Sources sources;
  sources.main(std::string(kDsn) + "[defaults]\nsandbox_read = [\"/opt\", \"lib\"]\n"
                                   "[projection.a]\nsandbox_write = [\"./out\", \"\", 5]\n");
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("main.toml:4:25: defaults.sandbox_read: found the string \"lib\", expected an absolute path, "
                          "which begins with /",
                          "main.toml:6:18: projection.a.sandbox_write: found the string \"./out\", expected an "
                          "absolute path, which begins with /",
                          "main.toml:6:27: projection.a.sandbox_write: found an empty string, expected an absolute "
                          "path, which begins with /",
                          "main.toml:6:31: projection.a.sandbox_write: found an integer, expected an absolute path, "
                          "which begins with /"));
}

struct RefusedLine {
  const char* name;
  const char* line;
  const char* problem;
};

class ProcessKeyProblems : public testing::TestWithParam<RefusedLine> {};

TEST_P(ProcessKeyProblems, AreTold) {
  EXPECT_EQ(problem_of(GetParam().line), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    OutOfRange, ProcessKeyProblems,
    testing::Values(
        RefusedLine{"HandleTimeoutTooShort", "handle_timeout = \"999us\"",
                    "handle_timeout: found the string \"999us\", expected \"0s\" or a duration from 1ms to 30d"},
        RefusedLine{"HandleTimeoutTooLong", "handle_timeout = \"31d\"",
                    "handle_timeout: found the string \"31d\", expected \"0s\" or a duration from 1ms to 30d"},
        RefusedLine{"MaxCrashesTooFew", "max_crashes = 0",
                    "max_crashes: found the integer 0, expected a whole number from 1 to 1000000"},
        RefusedLine{"MaxCrashesTooMany", "max_crashes = 1000001",
                    "max_crashes: found the integer 1000001, expected a whole number from 1 to 1000000"},
        RefusedLine{"MemoryMaxTooSmall", "memory_max = \"16383KiB\"",
                    "memory_max: found the string \"16383KiB\", expected \"0B\" or a size from 16MiB to 1024GiB"},
        RefusedLine{"MemoryMaxTooLarge", "memory_max = \"1025GiB\"",
                    "memory_max: found the string \"1025GiB\", expected \"0B\" or a size from 16MiB to 1024GiB"},
        RefusedLine{"NiceTooLow", "nice = -21", "nice: found the integer -21, expected a whole number from -20 to 19"},
        RefusedLine{"NiceTooHigh", "nice = 20", "nice: found the integer 20, expected a whole number from -20 to 19"},
        RefusedLine{"NiceFarTooHigh", "nice = 4294967296",
                    "nice: found the integer 4294967296, expected a whole number from -20 to 19"}),
    [](const auto& tested) { return std::string(tested.param.name); });

INSTANTIATE_TEST_SUITE_P(
    OfAnotherType, ProcessKeyProblems,
    testing::Values(
        RefusedLine{"HandleTimeout", "handle_timeout = false",
                    "handle_timeout: found false, expected \"0s\" or a duration from 1ms to 30d such as \"100ms\""},
        RefusedLine{"MaxCrashes", "max_crashes = \"5\"",
                    "max_crashes: found the string \"5\", expected a whole number from 1 to 1000000, without quotes"},
        RefusedLine{"Sandbox", "sandbox = \"off\"",
                    "sandbox: found the string \"off\", expected true or false, without quotes"},
        RefusedLine{"SandboxRead", "sandbox_read = \"/opt\"",
                    "sandbox_read: found the string \"/opt\", expected an array of absolute paths; write [\"/opt\"]"},
        RefusedLine{"SandboxReadRelative", "sandbox_read = \"lib\"",
                    "sandbox_read: found the string \"lib\", expected an array of absolute paths"},
        RefusedLine{"SandboxWrite", "sandbox_write = true",
                    "sandbox_write: found true, expected an array of absolute paths"},
        RefusedLine{"MemoryMax", "memory_max = true",
                    "memory_max: found true, expected \"0B\" or a size from 16MiB to 1024GiB such as \"64MiB\""},
        RefusedLine{"MemoryMaxWithoutUnit", "memory_max = 64",
                    "memory_max: found the integer 64, expected \"0B\" or a size from 16MiB to 1024GiB with its unit; "
                    "write \"64MiB\""},
        RefusedLine{"MemoryMaxZeroWithoutUnit", "memory_max = 0",
                    "memory_max: found the integer 0, expected \"0B\" or a size from 16MiB to 1024GiB with its unit; "
                    "write \"0B\""},
        RefusedLine{"Nice", "nice = \"low\"", "nice: found the string \"low\", expected a whole number from -20 to 19"},
        RefusedLine{"NiceInQuotes", "nice = \"-5\"",
                    "nice: found the string \"-5\", expected a whole number from -20 to 19, without quotes"}),
    [](const auto& tested) { return std::string(tested.param.name); });

} // namespace
} // namespace projector::config::test
