#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using testing::ElementsAreArray;

/// A main file and its problems, without the file's name in front.
struct Case {
  const char* name;
  std::string text;
  std::vector<std::string> problems;
};

class MainFileProblems : public testing::TestWithParam<Case> {};

TEST_P(MainFileProblems, AreToldWithPlaceFoundAndExpected) {
  Sources sources;
  sources.main(GetParam().text).environment("PROJECTORD_DSN", "dbname=app");
  std::vector<std::string> expected;
  for (const std::string& problem : GetParam().problems) {
    expected.push_back("main.toml:" + problem);
  }
  const Loaded loaded = sources.load();
  EXPECT_THAT(sources.messages(loaded.main_problems), ElementsAreArray(expected));
  EXPECT_FALSE(loaded.configuration.has_value());
  EXPECT_TRUE(loaded.refused.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, MainFileProblems,
    testing::ValuesIn(std::vector<Case>{
        {"SyntaxErrorEndsTheFile",
         "[log]\nlevel = info\n[feed]\nmemory = 5\n",
         {"2:12: Error while parsing floating-point: expected value-terminator, saw 'o'; write text, durations and "
          "sizes in double quotes"}},
        {"UnclosedString",
         "[log]\nlevel = \"info\n",
         {"2:14: found a line break or control character in a string; its closing quote may be missing"}},
        {"KeyGivenTwice",
         "[log]\nlevel = \"info\"\nlevel = \"warn\"\n",
         {"3:9: Error while parsing key-value pair: cannot redefine existing string 'level'"}},
        {"TableGivenTwice",
         "[log]\n[log]\n",
         {"2:1: Error while parsing table header: cannot redefine existing table 'log'"}},
        {"NumberTooLarge",
         "[projection.a]\nstart_from = 99999999999999999999\n",
         {"2:34: the number does not fit in 64 bits; write text in double quotes"}},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Keys, MainFileProblems,
    testing::ValuesIn(std::vector<Case>{
        {"MisspeltKey",
         "[feed]\nmemroy = \"1MiB\"\n",
         {"2:1: unknown key \"memroy\" in [feed]; did you mean \"memory\"?"}},
        {"MisspeltProjectionKey",
         "[projection.a]\nbacth_size = 10\n",
         {"2:1: unknown key \"bacth_size\" in [projection.a]; did you mean \"batch_size\"?"}},
        {"KeyOfAProjectionInAHostTable",
         "[read_model]\nbatch_size = 10\n",
         {"2:1: unknown key \"batch_size\" in [read_model]; batch_size belongs in [defaults] or [projection.NAME]"}},
        {"KeyOfAHostTableInAProjection",
         "[projection.a]\npoll_interval = \"1s\"\n",
         {"2:1: unknown key \"poll_interval\" in [projection.a]; poll_interval belongs in [event_store]"}},
        {"KeyOfTwoTables",
         "[feed]\ndsn = \"x\"\n",
         {"2:1: unknown key \"dsn\" in [feed]; dsn belongs in [event_store] or [read_model]"}},
        {"KeyOutsideATable",
         "batch_size = 10\n",
         {"1:1: unknown key \"batch_size\" outside a table; batch_size belongs in [defaults] or [projection.NAME]"}},
        {"DsnOutsideATable",
         "dsn = \"password=hunter2\"\n",
         {"1:1: unknown key \"dsn\" outside a table; dsn belongs in [event_store] or [read_model]"}},
        {"IncludeBehindATable",
         "[feed]\ninclude = [\"a\"]\n",
         {"2:1: unknown key \"include\" in [feed]; include belongs at the top of the main file, before the first "
          "table"}},
        {"OwnKeyOfAProjectionInDefaults",
         "[defaults]\nstart_from = \"end\"\nsettings = {}\n",
         {"2:1: unknown key \"start_from\" in [defaults]; start_from belongs in [projection.NAME]",
          "3:1: unknown key \"settings\" in [defaults]; settings belongs in [projection.NAME]"}},
        {"UnknownKeyWithoutANeighbour",
         "[feed]\nzebra = 1\n[log]\n[plugins]\nzebra = 1\n",
         {"2:1: unknown key \"zebra\" in [feed]; expected only memory",
          "5:1: unknown key \"zebra\" in [plugins]; expected one of directories, autostart, cache, state"}},
        {"SettingInTheProjectionTable",
         "[projection.a]\ncurrency = \"EUR\"\n",
         {"2:1: unknown key \"currency\" in [projection.a]; expected one of plugin, enabled, batch_size, batch_bytes, "
          "partitions, schema, start_from, checkpoint, checkpoint_interval, on_error, rebuild, retry_backoff, "
          "retry_backoff_max, max_retries, restart_interval, trial_time, handle_timeout, max_crashes, sandbox, "
          "sandbox_read, sandbox_write, memory_max, nice, settings; what the plugin declares belongs in "
          "[projection.a.settings]"}},
        {"MisspeltTable",
         "[evnt_store]\n[projections.a]\n",
         {"1:2: unknown table \"evnt_store\"; did you mean [event_store]?",
          "2:2: unknown table \"projections\"; did you mean [projection.NAME]?"}},
        {"UnknownTable",
         "[zebra]\n",
         {"1:2: unknown table \"zebra\"; expected include, [event_store], [read_model], [plugins], [feed], [worker], "
          "[log], [defaults] or [projection.NAME]"}},
        {"MisspeltInclude", "includes = [\"x\"]\n", {"1:1: unknown key \"includes\"; did you mean include?"}},
        {"UnknownTopKey",
         "zebra = 1\n",
         {"1:1: unknown key \"zebra\"; expected include, [event_store], [read_model], [plugins], [feed], [worker], "
          "[log], [defaults] or [projection.NAME]"}},
        {"ValueInsteadOfATable",
         "feed = \"64MiB\"\nprojection = 5\ndefaults = true\n",
         {"1:8: feed: found the string \"64MiB\", expected a table [feed]",
          "2:14: projection: found an integer, expected tables [projection.NAME]",
          "3:12: defaults: found true, expected a table [defaults]"}},
        {"ArrayOfTables",
         "[[projection.a]]\nbatch_size = 1\n",
         {"1:1: projection.a: found an array of tables, expected a table [projection.a]"}},
        {"KeyRightBelowProjection",
         "[projection]\nbatch_size = 1\n",
         {"2:1: unknown key \"batch_size\" in [projection]; batch_size belongs in [defaults] or [projection.NAME]"}},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Values, MainFileProblems,
    testing::ValuesIn(std::vector<Case>{
        {"BareDuration",
         "[event_store]\npoll_interval = 100\n",
         {"2:17: event_store.poll_interval: found the integer 100, expected a duration from 1ms to 1h with its unit; "
          "write \"100ms\" or \"100s\""}},
        {"QuotedBareDuration",
         "[defaults]\nretry_backoff = \"100\"\n",
         {"2:17: defaults.retry_backoff: found the string \"100\", expected a duration from 1ms to 1h with its unit; "
          "write \"100ms\" or \"100s\""}},
        {"BareSize",
         "[feed]\nmemory = 67108864\n[defaults]\nbatch_bytes = 8\n",
         {"2:10: feed.memory: found the integer 67108864, expected a size from 1MiB to 1024GiB with its unit; write "
          "\"64MiB\"",
          "4:15: defaults.batch_bytes: found the integer 8, expected a size from 1KiB to 1GiB with its unit; write "
          "\"8MiB\""}},
        {"DurationWithAnotherUnit",
         "[event_store]\npoll_interval = \"100msec\"\n",
         {"2:17: event_store.poll_interval: found the string \"100msec\", expected a duration from 1ms to 1h: a whole "
          "number and one of us, ms, s, m, h, d, such as \"100ms\""}},
        {"SizeWithAnotherUnit",
         "[feed]\nmemory = \"64MB\"\n",
         {"2:10: feed.memory: found the string \"64MB\", expected a size from 1MiB to 1024GiB: a whole number and one "
          "of B, KiB, MiB, GiB, such as \"64MiB\""}},
        {"DurationOfAnotherType",
         "[event_store]\npoll_interval = true\n",
         {"2:17: event_store.poll_interval: found true, expected a duration from 1ms to 1h such as \"100ms\""}},
        {"DurationOutOfRange",
         "[event_store]\npoll_interval = \"0s\"\n[defaults]\ncheckpoint_interval = \"2h\"\nrestart_interval = "
         "\"31d\"\n",
         {"2:17: event_store.poll_interval: found the string \"0s\", expected a duration from 1ms to 1h",
          "4:23: defaults.checkpoint_interval: found the string \"2h\", expected a duration from 1ms to 1h",
          "5:20: defaults.restart_interval: found the string \"31d\", expected \"0s\" or a duration from 1ms to 30d"}},
        {"SizeOutOfRange",
         "[feed]\nmemory = \"1023KiB\"\n[defaults]\nbatch_bytes = \"2GiB\"\n",
         {"2:10: feed.memory: found the string \"1023KiB\", expected a size from 1MiB to 1024GiB",
          "4:15: defaults.batch_bytes: found the string \"2GiB\", expected a size from 1KiB to 1GiB"}},
        {"SizeOfAnotherType",
         "[feed]\nmemory = 1.5\n",
         {"2:10: feed.memory: found the number 1.5, expected a size from 1MiB to 1024GiB such as \"64MiB\""}},
        {"NumberOutOfRange",
         "[defaults]\nbatch_size = 0\npartitions = 1025\nmax_retries = -1\n[read_model]\npool_size = 1001\n",
         {"2:14: defaults.batch_size: found the integer 0, expected a whole number from 1 to 100000",
          "3:14: defaults.partitions: found the integer 1025, expected a whole number from 1 to 1024",
          "4:15: defaults.max_retries: found the integer -1, expected a whole number from 0 to 1000000",
          "6:13: read_model.pool_size: found the integer 1001, expected a whole number from 1 to 1000"}},
        {"LargestNumbers",
         "[defaults]\nbatch_size = 100001\nmax_retries = 1000001\n[read_model]\npool_size = 0\npool_max = 1001\n",
         {"2:14: defaults.batch_size: found the integer 100001, expected a whole number from 1 to 100000",
          "3:15: defaults.max_retries: found the integer 1000001, expected a whole number from 0 to 1000000",
          "5:13: read_model.pool_size: found the integer 0, expected a whole number from 1 to 1000",
          "6:12: read_model.pool_max: found the integer 1001, expected a whole number from 1 to 1000"}},
        {"NumberInQuotes",
         "[defaults]\nbatch_size = \"100\"\n",
         {"2:14: defaults.batch_size: found the string \"100\", expected a whole number from 1 to 100000, without "
          "quotes"}},
        {"NumberOfAnotherType",
         "[defaults]\nbatch_size = 1.5\npartitions = [4]\n",
         {"2:14: defaults.batch_size: found the number 1.5, expected a whole number from 1 to 100000",
          "3:14: defaults.partitions: found an array of integers, expected a whole number from 1 to 1024"}},
        {"BooleanInQuotes",
         "[read_model]\nprepared_statements = \"false\"\n[projection.a]\nenabled = 0\n",
         {"2:23: read_model.prepared_statements: found the string \"false\", expected true or false, without quotes",
          "4:11: projection.a.enabled: found the integer 0, expected true or false, without quotes"}},
        {"UnknownChoice",
         "[read_model]\nsynchronous_commit = \"maybe\"\n[defaults]\non_error = \"skip\"\nrebuild = "
         "\"auto\"\n[log]\nlevel = \"verbose\"\n",
         {"2:22: read_model.synchronous_commit: found the string \"maybe\", expected one of \"off\", \"local\", "
          "\"remote_write\", \"on\", \"remote_apply\"",
          "4:12: defaults.on_error: found the string \"skip\", expected \"stop\"",
          "5:11: defaults.rebuild: found the string \"auto\", expected one of \"manual\", \"automatic\"",
          "7:9: log.level: found the string \"verbose\", expected one of \"trace\", \"debug\", \"info\", \"warn\", "
          "\"error\", \"off\""}},
        {"ChoiceOfAnotherType",
         "[read_model]\nsynchronous_commit = false\n",
         {"2:22: read_model.synchronous_commit: found false, expected one of \"off\", \"local\", \"remote_write\", "
          "\"on\", \"remote_apply\""}},
        {"BadIdentifiers",
         "[read_model]\ncheckpoints_table = \"a.b.c\"\n[defaults]\nschema = \"a.b\"\n[projection.a]\nschema = "
         "\"1a\"\n[projection.b]\nschema = \"a\\\"; drop\"\n",
         {"2:21: read_model.checkpoints_table: found the string \"a.b.c\", expected NAME or SCHEMA.NAME of letters, "
          "digits, _ and $ that begins with a letter or _, at most 63 bytes each",
          "4:10: defaults.schema: found the string \"a.b\", expected a name of letters, digits, _ and $ that begins "
          "with a letter or _, at most 63 bytes",
          "6:10: projection.a.schema: found the string \"1a\", expected a name of letters, digits, _ and $ that begins "
          "with a letter or _, at most 63 bytes",
          "8:10: projection.b.schema: found the string \"a\"; drop\", expected a name of letters, digits, _ and $ that "
          "begins with a letter or _, at most 63 bytes"}},
        {"BadChannelAndEventsTable",
         "[event_store]\nnotify_channel = \"a.b\"\nevents_table = \"my-events\"\n",
         {"2:18: event_store.notify_channel: found the string \"a.b\", expected a name of letters, digits, _ and $ "
          "that "
          "begins with a letter or _, at most 63 bytes",
          "3:16: event_store.events_table: found the string \"my-events\", expected NAME or SCHEMA.NAME of letters, "
          "digits, _ and $ that begins with a letter or _, at most 63 bytes each"}},
        {"ControlCharactersAreShownEscaped",
         "[log]\nlevel = \"a\\u001b[31m\"\n",
         {"2:9: log.level: found the string \"a\\x1b[31m\", expected one of \"trace\", \"debug\", \"info\", \"warn\", "
          "\"error\", \"off\""}},
        {"EmptyTable",
         "[read_model]\ncheckpoints_table = \"\"\n",
         {"2:21: read_model.checkpoints_table: found the string \"\", expected NAME or SCHEMA.NAME of letters, digits, "
          "_ and $ that begins with a letter or _, at most 63 bytes each"}},
        {"LongIdentifier",
         "[defaults]\nschema = \"" + std::string(64, 's') + "\"\n",
         {"2:10: defaults.schema: found the string \"ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss..\", "
          "expected a name of letters, digits, _ and $ that begins with a letter or _, at most 63 bytes"}},
        {"SchemaOfPostgres",
         "[defaults]\nschema = \"pg_temp\"\n[projection.a]\nschema = \"information_schema\"\n",
         {"2:10: defaults.schema: found the string \"pg_temp\", expected a schema of your own: this one "
          "belongs to PostgreSQL",
          "4:10: projection.a.schema: found the string \"information_schema\", expected a schema of your own: this one "
          "belongs to PostgreSQL"}},
        {"BadProjectionNames",
         "[projection.Revenue]\n[projection.1a]\n[projection.\"a-b\"]\n[projection.a_p0]\n[projection." +
             std::string(49, 'a') + "]\n",
         {"1:13: the projection's name is \"Revenue\", expected a lower-case letter and then at most 47 of a-z, 0-9 "
          "and _",
          "2:13: the projection's name is \"1a\", expected a lower-case letter and then at most 47 of a-z, 0-9 and _",
          "3:13: the projection's name is \"a-b\", expected a lower-case letter and then at most 47 of a-z, 0-9 and _",
          "4:13: the projection's name \"a_p0\" ends in _p and digits, which names the checkpoint of a partition; "
          "choose another ending",
          "5:13: the projection's name is \"" + std::string(49, 'a') +
              "\", expected a lower-case letter and then at most 47 of a-z, 0-9 and _"}},
        {"PluginWithItsFileName",
         "[projection.a]\nplugin = \"/opt/revenue.so\"\n[projection.b]\nplugin = \"Revenue\"\n[projection.c]\nplugin = "
         "\"\"\n[projection.d]\nplugin = 5\n",
         {"2:10: projection.a.plugin: found the string \"/opt/revenue.so\", expected the plugin's file name, a "
          "lower-case letter and then at most 63 of a-z, 0-9 and _, without .so, without its directory, which belongs "
          "in plugins.directories",
          "4:10: projection.b.plugin: found the string \"Revenue\", expected the plugin's file name, a lower-case "
          "letter and then at most 63 of a-z, 0-9 and _",
          "6:10: projection.c.plugin: found the string \"\", expected the plugin's file name, a lower-case letter and "
          "then at most 63 of a-z, 0-9 and _",
          "8:10: projection.d.plugin: found the integer 5, expected the plugin's file name, a lower-case letter and "
          "then at most 63 of a-z, 0-9 and _"}},
        {"StartFromElsewhere",
         "[projection.a]\nstart_from = \"middle\"\n[projection.b]\nstart_from = -1\n[projection.c]\nstart_from = "
         "\"100\"\n",
         {"2:14: projection.a.start_from: found the string \"middle\", expected \"beginning\", \"end\" or a position: "
          "a whole number from 0, without quotes",
          "4:14: projection.b.start_from: found the integer -1, expected \"beginning\", \"end\" or a position: a whole "
          "number from 0, without quotes",
          "6:14: projection.c.start_from: found the string \"100\", expected \"beginning\", \"end\" or a position: a "
          "whole number from 0, without quotes"}},
        {"CheckpointOfAnotherType",
         "[projection.a]\ncheckpoint = 5\n[projection.b]\ncheckpoint = \"a\\nb\"\n[projection.c]\ncheckpoint = \"" +
             std::string(201, 'c') + "\"\n",
         {"2:14: projection.a.checkpoint: found the integer 5, expected the name of a checkpoint, or \"\" for the "
          "projection's own name",
          "4:14: projection.b.checkpoint: found a string with a control character, expected the name of a checkpoint, "
          "or \"\" for the projection's own name",
          "6:14: projection.c.checkpoint: found the string "
          "\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc..\", expected a name of at most 200 bytes"}},
        {"PathsOfAnotherType",
         "[plugins]\ndirectories = \"/opt\"\nautostart = [5, \"\"]\ncache = \"\"\nstate = 5\n",
         {"2:15: plugins.directories: found the string \"/opt\", expected an array of paths; write [\"/opt\"]",
          "3:14: plugins.autostart: found an integer, expected a path",
          "3:17: plugins.autostart: found an empty string, expected a path",
          "4:9: plugins.cache: found an empty string, expected a path",
          "5:9: plugins.state: found an integer, expected a path"}},
        {"WorkerIdWithoutANumber",
         "[worker]\nid = \"worker\"\ntotal = 4\n",
         {"2:6: worker.id: found the string \"worker\", expected a number from 0 to 1023, or a name that ends in one, "
          "such as \"projection-worker-3\""}},
        {"WorkerIdNegative",
         "[worker]\nid = -1\ntotal = 0\n",
         {"2:6: worker.id: found the integer -1, expected a number from 0 to 1023, or a name that ends in one, such as "
          "\"projection-worker-3\"",
          "3:9: worker.total: found the integer 0, expected a whole number from 1 to 1024"}},
        {"IncludeOfAnotherType",
         "include = \"a/*.toml\"\n",
         {"1:11: include: found the string \"a/*.toml\", expected an array of patterns; write [\"a/*.toml\"]"}},
        {"IncludePatternOfAnotherType",
         "include = [5, \"\"]\n",
         {"1:12: include: found the integer 5, expected a pattern such as \"projections.d/*.toml\"",
          "1:15: include: found an empty pattern, expected one such as \"projections.d/*.toml\""}},
        {"SettingsOfAnotherType",
         "[projection.a]\nsettings = 5\n",
         {"2:12: projection.a.settings: found an integer, expected a table [projection.a.settings]"}},
        {"SettingTwice",
         "[projection.a.settings]\n\"a.b\" = 1\n[projection.a.settings.a]\nb = 2\n",
         {"4:5: projection.a.settings: found \"a.b\" twice, expected it once; the other is at main.toml:2:9"}},
        {"SettingWithNul",
         "[projection.a.settings]\nkey = \"a\\u0000b\"\n",
         {"2:7: projection.a.settings: found a NUL character in the value of \"key\", expected text without one"}},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Relations, MainFileProblems,
    testing::ValuesIn(std::vector<Case>{
        {"PoolMaxBelowPoolSize",
         "[read_model]\npool_size = 10\npool_max = 9\n",
         {"3:12: read_model.pool_max is 9, less than read_model.pool_size, 10; raise pool_max or lower pool_size"}},
        {"PoolSizeAboveTheDefaultOfPoolMax",
         "[read_model]\npool_size = 33\n",
         {"2:13: read_model.pool_max is 32 when it is not given, less than read_model.pool_size, 33; raise pool_max or "
          "lower pool_size"}},
        {"BackoffLongerThanItsLongest",
         "[projection.a]\nretry_backoff = \"2s\"\nretry_backoff_max = \"1s\"\n",
         {"2:17: projection.a.retry_backoff is 2s, longer than retry_backoff_max, which is 1s; lower the one or raise "
          "the other"}},
        {"BackoffLongerThanTheDefaults",
         "[defaults]\nretry_backoff_max = \"1s\"\n[projection.a]\nretry_backoff = \"2s\"\n[projection.b]\n",
         {"4:17: projection.a.retry_backoff is 2s, longer than retry_backoff_max, which is 1s; lower the one or raise "
          "the other"}},
        {"BackoffOfTheDefaultsIsToldOnce",
         "[defaults]\nretry_backoff = \"1m\"\n[projection.a]\n[projection.b]\n",
         {"2:17: defaults.retry_backoff is 1m, longer than retry_backoff_max, which is 30s; lower the one or raise the "
          "other"}},
        {"SameCheckpoint",
         "[projection.a]\ncheckpoint = \"x\"\n[projection.b]\ncheckpoint = \"x\"\n",
         {"4:14: the projections b and a (main.toml:2:14) have the same checkpoint, \"x\"; give one of them another "
          "checkpoint"}},
        {"CheckpointOfAnotherName",
         "[projection.a]\ncheckpoint = \"b\"\n[projection.b]\n",
         {"2:14: the projections a and b (main.toml:3:1) have the same checkpoint, \"b\"; give one of them another "
          "checkpoint"}},
        {"CheckpointOfAPartition",
         "[projection.a]\npartitions = 4\n[projection.b]\ncheckpoint = \"a_p3\"\n",
         {"4:14: the projections b and a (main.toml:1:1) have the same checkpoint, \"a_p3\"; give one of them another "
          "checkpoint"}},
        {"AutostartOutsideOfDirectories",
         "[plugins]\ndirectories = [\"/opt/a\"]\nautostart = [\"/opt/a\", \"/opt/b\"]\n",
         {"3:13: plugins.autostart: found \"/opt/b\", which is not in plugins.directories; add it there"}},
        {"WorkerIdWithoutTotal",
         "[worker]\nid = 3\n",
         {"2:6: worker.id is 3, but the number of workers is not set; set worker.total, TOTAL_WORKERS or "
          "--total-workers"}},
        {"WorkerTotalWithoutId",
         "[worker]\ntotal = 4\n",
         {"2:9: worker.total is 4, but this worker's number is not set; set worker.id, WORKER_ID or --worker-id"}},
        {"WorkerIdNotBelowTotal",
         "[worker]\nid = 4\ntotal = 4\n",
         {"2:6: worker.id is 4, expected it below worker.total, which is 4 (main.toml:3:9); ids count from 0"}},
        {"EverythingAtOnce",
         "[event_store]\npoll_interval = 5\nzebra = 1\n[projection.a]\nbatch_size = 0\n[log]\nlevel = "
         "1\n[feed]\nmemory = \"1B\"\n",
         {"2:17: event_store.poll_interval: found the integer 5, expected a duration from 1ms to 1h with its unit; "
          "write \"5ms\" or \"5s\"",
          "3:1: unknown key \"zebra\" in [event_store]; expected one of dsn, events_table, poll_interval, "
          "notify_channel",
          "5:14: projection.a.batch_size: found the integer 0, expected a whole number from 1 to 100000",
          "7:9: log.level: found the integer 1, expected one of \"trace\", \"debug\", \"info\", \"warn\", \"error\", "
          "\"off\"",
          "9:10: feed.memory: found the string \"1B\", expected a size from 1MiB to 1024GiB"}},
    }),
    [](const auto& tested) { return std::string(tested.param.name); });

} // namespace
} // namespace projector::config::test
