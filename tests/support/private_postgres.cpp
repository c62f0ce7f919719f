#include "support/private_postgres.hpp"

#include "base/unique_fd.hpp"
#include "support/temporary_directory.hpp"
#include "support/unprivileged_process.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace projector::test {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_errno(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

/// The newest /usr/lib/postgresql/N/bin, else the first directory of PATH with an initdb.
fs::path find_binaries() {
  fs::path newest;
  int newest_version = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version > newest_version && fs::exists(entry.path() / "bin" / "initdb")) {
      newest_version = version;
      newest = entry.path() / "bin";
    }
  }
  if (!newest.empty()) {
    return newest;
  }
  const char* path = std::getenv("PATH");
  const std::string directories = path == nullptr ? "" : path;
  for (std::size_t begin = 0; begin < directories.size();) {
    const std::size_t end = std::min(directories.find(':', begin), directories.size());
    const fs::path candidate = directories.substr(begin, end - begin);
    if (fs::exists(candidate / "initdb")) {
      return candidate;
    }
    begin = end + 1;
  }
  throw std::runtime_error("no PostgreSQL server found: neither in /usr/lib/postgresql/*/bin nor in PATH; install the "
                           "package postgresql");
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

struct PrivatePostgres::State {
  TemporaryDirectory directory;
  std::optional<Account> account = unprivileged_account();
  fs::path binaries = find_binaries();
  fs::path log = directory.path() / "log";
  pid_t pid = 0;
  int databases = 0;

  [[nodiscard]] base::UniqueFd open_log() const {
    base::UniqueFd fd(::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
    if (!fd) {
      throw_errno("open " + log.string());
    }
    return fd;
  }

  void init(const Options& options) const {
    if (account && ::chown(directory.path().c_str(), account->user, account->group) != 0) {
      throw_errno("chown " + directory.path().string());
    }
    const std::string data = (directory.path() / "data").string();
    const auto fd = open_log();
    const pid_t child = spawn({(binaries / "initdb").string(), "-D", data, "--no-sync", "-A", "trust", "-U", "postgres",
                               "-E", "UTF8", "--locale=C.UTF-8"},
                              directory.path(), account, fd.get());
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) {
      throw std::runtime_error("initdb failed: " + read_file(log));
    }
    std::ofstream configuration(data + "/postgresql.conf", std::ios::app);
    configuration << "max_connections = 200\nmax_prepared_transactions = 20\njit = off\n";
    if (!options.durable) {
      configuration << "fsync = off\nfull_page_writes = off\n";
    }
    for (const auto& setting : options.settings) {
      configuration << setting << '\n';
    }
    if (!configuration.flush()) {
      throw std::runtime_error("cannot write " + data + "/postgresql.conf");
    }
  }

  void stop(int signal) {
    if (pid == 0) {
      return;
    }
    ::kill(pid, signal);
    if (!eventually([this] { return exit_status(pid).has_value(); }, std::chrono::seconds(60))) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    pid = 0;
  }
};

PrivatePostgres::PrivatePostgres(Options options) : state_(std::make_unique<State>()) {
  state_->init(options);
  start();
}

PrivatePostgres::~PrivatePostgres() {
  state_->stop(SIGQUIT);
}

PrivatePostgres& PrivatePostgres::shared() {
  static PrivatePostgres server;
  return server;
}

std::string PrivatePostgres::dsn(std::string_view database) const {
  return "host=" + state_->directory.path().string() + " dbname=" + std::string(database) + " user=postgres";
}

std::string PrivatePostgres::create_database() {
  const std::string name = "test_" + std::to_string(++state_->databases);
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(dsn().c_str()), PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
      PQexec(connection.get(), ("CREATE DATABASE " + name).c_str()), PQclear);
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
    throw std::runtime_error("cannot make a database: " + std::string(PQerrorMessage(connection.get())));
  }
  return dsn(name);
}

void PrivatePostgres::start() {
  if (state_->pid != 0) {
    return;
  }
  const std::string directory = state_->directory.path().string();
  const auto log = state_->open_log();
  state_->pid = spawn(
      {(state_->binaries / "postgres").string(), "-D", directory + "/data", "-k", directory, "-c", "listen_addresses="},
      directory, state_->account, log.get());
  bool ended = false;
  const std::string target = dsn();
  const bool accepts = eventually(
      [&] {
        ended = exit_status(state_->pid).has_value();
        return ended || PQping(target.c_str()) == PQPING_OK;
      },
      std::chrono::seconds(120));
  if (ended) {
    state_->pid = 0;
  }
  if (ended || !accepts) {
    state_->stop(SIGQUIT);
    throw std::runtime_error("the private server did not start: " + read_file(state_->log));
  }
}

void PrivatePostgres::stop_fast() {
  state_->stop(SIGINT);
}

void PrivatePostgres::stop_immediate() {
  state_->stop(SIGQUIT);
}

int PrivatePostgres::pid() const noexcept {
  return state_->pid;
}

const std::filesystem::path& PrivatePostgres::directory() const noexcept {
  return state_->directory.path();
}

} // namespace projector::test
