# shellcheck shell=bash
# A private PostgreSQL for scripts: `private_postgres_start DIRECTORY [SETTING..]` makes and starts one in DIRECTORY, with a
# Unix socket only, as an unprivileged user when run as root; it sets PGHOST, PGUSER, PGDATABASE and private_postgres_pid.
# `private_postgres_stop` ends it by that pid. Everything it writes is below DIRECTORY.

private_postgres_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)

private_postgres_as() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
  else
    "$@"
  fi
}

private_postgres_start() {
  local directory=$1 setting
  shift
  mkdir -p "$directory"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$directory"
  private_postgres_as "$private_postgres_bin/initdb" --no-sync -A trust -U postgres -E UTF8 --locale=C.UTF-8 \
    -D "$directory/data" >"$directory/initdb.log"
  for setting in "fsync = off" "max_connections = 200" "max_prepared_transactions = 20" "$@"; do
    printf '%s\n' "$setting" | private_postgres_as tee -a "$directory/data/postgresql.conf" >/dev/null
  done
  private_postgres_as "$private_postgres_bin/postgres" -D "$directory/data" -k "$directory" -c listen_addresses='' \
    >"$directory/postgres.log" 2>&1 &
  private_postgres_job=$!
  export PGHOST=$directory PGUSER=postgres PGDATABASE=postgres
  until pg_isready -q; do
    kill -0 "$private_postgres_job" 2>/dev/null || { cat "$directory/postgres.log" >&2; return 1; }
    sleep 0.05
  done
  private_postgres_pid=$(head -n 1 "$directory/data/postmaster.pid")
}

private_postgres_stop() {
  [ -n "${private_postgres_pid:-}" ] || return 0
  kill -INT "$private_postgres_pid" 2>/dev/null || true
  wait "$private_postgres_job" 2>/dev/null || true
  private_postgres_pid=
}
