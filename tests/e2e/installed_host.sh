#!/usr/bin/env bash
# What `cmake --install` puts in place runs as the units and the README say: into a prefix, where each unit's command line
# is run against a private PostgreSQL, and into a staging directory, as a package is made.
# usage: installed_host.sh BUILD_DIRECTORY SOURCE_DIRECTORY CMAKE
set -euo pipefail
build=$1 source=$2 cmake=$3
work=$(mktemp -d)
chmod 755 "$work"
# shellcheck disable=SC1091
. "$source/tests/support/private_postgres.sh"
host_pid=''
end() {
  [ -z "$host_pid" ] || { kill "$host_pid" 2>/dev/null && wait "$host_pid" 2>/dev/null; } || true
  private_postgres_stop
  rm -rf "$work"
}
trap end EXIT

fail() {
  echo "$*" >&2
  exit 1
}
in_unit() { # FILE KEY
  sed -n "s/^$2=//p" "$1"
}
# Runs the unit's command line with its environment, until both projections are live.
run_unit() { # UNIT INSTANCE
  local unit=$work/prefix/lib/systemd/system/$1 instance=$2 line environment tries=600
  line=$(in_unit "$unit" ExecStart)
  environment=$(in_unit "$unit" Environment)
  case $line in
    "$work/prefix/sbin/projectord --config /etc/projectord/projectord.toml") ;;
    *) fail "$1 runs: $line" ;;
  esac
  # shellcheck disable=SC2086
  env ${environment//%i/$instance} ${line/ \/etc/ $work\/etc} 2>"$work/$1.log" &
  host_pid=$!
  until "$work/prefix/bin/projectorctl" --config "$work/etc/projectord/projectord.toml" status >"$work/status" 2>&1 &&
    [ "$(grep -c ' live ' "$work/status")" -ge 2 ]; do
    kill -0 "$host_pid" 2>/dev/null || { cat "$work/$1.log" >&2; fail "the host of $1 has ended"; }
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { cat "$work/status" "$work/$1.log" >&2; fail "the projections of $1 are not live"; }
    sleep 0.1
  done
  kill -TERM "$host_pid"
  wait "$host_pid" || fail "the host of $1 ended with $?"
  host_pid=''
}

for component in host plugins; do
  "$cmake" --install "$build" --component "$component" --prefix "$work/prefix" >>"$work/install.log"
done
private_postgres_start "$work/pg"
install -D -m 644 "$work/prefix/share/projectord/projectord.toml" "$work/etc/projectord/projectord.toml"
plugins=$(find "$work/prefix" -name user_counter.so -printf '%h')
sed -i -e "s|^dsn = \"host=/run/postgresql dbname=app\"|dsn = \"host=$work/pg user=postgres dbname=postgres\"|" \
  -e "s|^# directories = .*|directories = [\"$plugins\"]|" -e "s|^autostart = .*|autostart = []|" \
  -e "s|^# cache = .*|cache = \"$work/cache\"|" -e "s|^# state = .*|state = \"$work/state\"|" \
  -e "s|^# partitions = 1$|partitions = 12|" "$work/etc/projectord/projectord.toml"
mkdir "$work/etc/projectord/projections.d"
cp "$work"/prefix/share/projectord/examples/{user_counter,activity_log}.toml "$work/etc/projectord/projections.d/"
ctl() { "$work/prefix/bin/projectorctl" --config "$work/etc/projectord/projectord.toml" "$@"; }
ctl schema apply >"$work/log" || { cat "$work/log" >&2; fail "the tables were not made"; }
ctl check --connect >"$work/log" || { cat "$work/log" >&2; fail "check --connect finds something wrong"; }
run_unit projectord.service ''
run_unit projectord@.service 0

DESTDIR=$work/stage "$cmake" --install "$build" --component host --prefix /usr >>"$work/install.log"
for unit in projectord.service projectord@.service; do
  line=$(in_unit "$work/stage/usr/lib/systemd/system/$unit" ExecStart)
  [ "${line%% *}" = /usr/sbin/projectord ] || fail "staged for /usr, $unit runs: $line"
  [ -x "$work/stage${line%% *}" ] || fail "staged for /usr, there is no ${line%% *}"
done
if grep -rlF -e "$work" -e "$source" "$work/stage/usr/lib/systemd" "$work/stage/usr/share"; then
  fail "these files name the directory in which they were made"
fi
