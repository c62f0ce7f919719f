#include "support/pgbouncer.hpp"

#include "base/unique_fd.hpp"
#include "support/unprivileged_process.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

std::string find_program() {
  for (const char* place : {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"}) {
    if (fs::exists(place)) {
      return place;
    }
  }
  throw std::runtime_error("PgBouncer is not installed; install the package pgbouncer");
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream stream(file);
  stream << text;
  if (!stream.flush()) {
    throw std::runtime_error("cannot write " + file.string());
  }
}

} // namespace

PgBouncer::PgBouncer(const PrivatePostgres& server, int pool_size) {
  const auto& directory = directory_.path();
  write(directory / "users", "\"postgres\" \"\"\n");
  write(directory / "pgbouncer.ini",
        fmt::format("[databases]\n* = host={}\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {}\nauth_type = trust\n"
                    "auth_file = {}\npool_mode = transaction\ndefault_pool_size = {}\nmax_client_conn = 500\n"
                    "server_login_retry = 0.05\nserver_check_delay = 0\n",
                    server.directory().string(), directory.string(), (directory / "users").string(), pool_size));
  const auto account = unprivileged_account();
  if (account && ::chown(directory.c_str(), account->user, account->group) != 0) {
    throw std::runtime_error("chown " + directory.string());
  }
  const base::UniqueFd log(::open((directory / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
  pid_ = spawn({find_program(), (directory / "pgbouncer.ini").string()}, directory, account, log.get());
  const std::string target = dsn_for(server.dsn());
  if (!eventually([&] { return PQping(target.c_str()) == PQPING_OK; })) {
    std::ifstream said(directory / "log");
    throw std::runtime_error("PgBouncer did not start: " + std::string(std::istreambuf_iterator<char>(said), {}));
  }
}

PgBouncer::~PgBouncer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string PgBouncer::dsn_for(std::string_view dsn) const {
  return fmt::format("host={} port=6432{}", directory_.path().string(), dsn.substr(dsn.find(' ')));
}

} // namespace projector::test
