#include "processes.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/types.h>

namespace projector::bench {
namespace {

namespace fs = std::filesystem;
using test::eventually;

constexpr std::chrono::seconds kPatience{120};

/// Sums of /proc/PID/smaps_rollup, in KiB.
struct Memory {
  double own = 0;
  double pss = 0;
};

void add_memory(pid_t process, Memory& memory) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", process));
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    double kib = 0;
    words >> key >> kib;
    memory.pss += key == "Pss:" ? kib : 0;
    memory.own += key == "Private_Clean:" || key == "Private_Dirty:" ? kib : 0;
  }
}

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> children;
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", process))) {
    std::ifstream file(thread.path() / "children");
    for (pid_t child = 0; file >> child;) {
      children.push_back(child);
    }
  }
  return children;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

void expect(bool held, const std::string& what, const test::HostProcess& host) {
  if (!held) {
    throw std::runtime_error(what + ":\n" + host.log());
  }
}

/// The plugin's file with `version` bytes more behind its end, which no loader reads.
void install_version(const test::HostProcess& host, std::uint32_t version) {
  const fs::path made = host.plugin_directory().parent_path() / "version.so";
  fs::copy_file(PROJECTOR_BENCH_PLUGIN_DIR "/bench_drop_000.so", made, fs::copy_options::overwrite_existing);
  std::ofstream(made, std::ios::binary | std::ios::app) << std::string(version, '\0');
  host.install_file(made, "bench_drop_000");
}

} // namespace

IdleHost run_idle(const std::string& dsn, std::uint32_t projections) {
  test::HostProcess host(dsn);
  host.install_file(PROJECTOR_BENCH_PLUGIN_DIR "/bench_noop.so", "bench_noop");
  std::string tables;
  for (std::uint32_t index = 0; index < projections; ++index) {
    tables += fmt::format("[projection.bench{}]\nplugin = \"bench_noop\"\n", index);
  }
  host.write_projection_file("bench", tables);
  const auto began = std::chrono::steady_clock::now();
  host.start();
  expect(eventually([&] { return count(host.log(), ": runs bench_noop") == projections; }, kPatience),
         "not all projections run", host);
  IdleHost result;
  result.start_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const std::string live = fmt::format("SELECT count(*) = {} FROM projector_workers WHERE state = 'live'", projections);
  expect(eventually([&] { return test::query_value(dsn, live) == "t"; }, kPatience), "not all are live", host);
  Memory plugins;
  for (const pid_t child : children_of(host.pid())) {
    add_memory(child, plugins);
  }
  Memory own;
  add_memory(host.pid(), own);
  result.private_mib = plugins.own / 1024;
  result.pss_mib = plugins.pss / 1024;
  result.host_pss_mib = own.pss / 1024;
  expect(host.stop() == 0, "the host failed", host);
  return result;
}

std::vector<double> replace_plugin(const std::string& dsn, std::uint32_t replacements) {
  test::HostProcess host(dsn);
  install_version(host, 0);
  host.start();
  expect(host.logs(": runs bench_drop_000"), "it does not run", host);
  test::EventWriters writers(dsn, {.writers = 4, .events = ~std::uint64_t{0}, .pause_us = 1000, .two_phase = false});
  std::vector<double> gaps;
  for (std::uint32_t version = 1; version <= replacements; ++version) {
    const std::string from = test::query_value(dsn, "SELECT clock_timestamp()");
    install_version(host, version);
    expect(host.logs(fmt::format("the copy of generation {} is removed", version)), "it was not replaced", host);
    gaps.push_back(std::stod(test::query_value(
        dsn,
        fmt::format("SELECT coalesce(extract(epoch FROM max(gap)) * 1000, 0) FROM (SELECT at - lag(at) OVER (ORDER "
                    "BY at) AS gap FROM (SELECT DISTINCT pg_xact_commit_timestamp(xmin) AS at FROM "
                    "bench_drop_000_batches) c WHERE at > '{}') g",
                    from))));
  }
  std::sort(gaps.begin(), gaps.end());
  return gaps;
}

} // namespace projector::bench
