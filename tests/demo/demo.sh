#!/usr/bin/env bash
# The main job, shown on a private PostgreSQL: three projections keep up with writers, a fourth is built and dropped in while
# they run, and every read model is held against what SQL computes from the events. Ends with 1 where anything is wrong.
# usage: demo.sh [--once]   (without --once it stays up at the end, when a person is there to look around)
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/release
work=$(mktemp -d)
# shellcheck disable=SC1091
. "$root/tests/demo/show.sh"
host_pid='' writers=()
end() {
  [ "${#writers[@]}" -eq 0 ] || kill "${writers[@]}" 2>/dev/null || true
  [ -z "$host_pid" ] || { kill "$host_pid" 2>/dev/null && wait "$host_pid" 2>/dev/null; } || true
  private_postgres_stop
  rm -rf "$work"
}
trap end EXIT

until_true() { # SQL DESCRIPTION
  local tries=600
  until [ "$(ask "$1")" = t ]; do
    kill -0 "$host_pid" 2>/dev/null || { cat "$work/host.log"; echo "the host has ended" >&2; exit 1; }
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { tail -n 20 "$work/host.log"; echo "waited too long for: $2" >&2; exit 1; }
    sleep 0.05
  done
}
# Commit times of each checkpoint, looked at every 5 ms; the largest distance between two of one checkpoint.
watch_commits() { # FILE
  echo "SELECT name, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM projector_checkpoints \\watch 0.005" |
    psql -XqAt -F ' ' >"$1" 2>/dev/null
}
largest_gaps() { # FILE
  awk 'NF == 2 && $1 != "event_types" && $2 != last[$1] { if (last[$1] && $2 - last[$1] > gap[$1]) gap[$1] = $2 - last[$1]
       last[$1] = $2 } END { for (name in gap) printf "  %-14s %6.0f ms\n", name, gap[name] * 1000 }' "$1" | sort
}

say "A private PostgreSQL, the tables, and 20,000 events"
private_postgres_start "$work/pg" "track_commit_timestamp = on"
cat >"$work/projectord.toml" <<TOML
[event_store]
dsn = "host=$work/pg user=postgres dbname=postgres"
[plugins]
cache = "$work/cache"
state = "$work/state"
directories = ["$work/plugins"]
TOML
mkdir "$work/plugins"
"$build/bin/projectorctl" --config "$work/projectord.toml" schema apply
pgbench -n -c 4 -t 5000 -f "$root/tests/demo/orders.sql" >"$work/pgbench.log" 2>&1
echo "$(ask 'SELECT count(*) FROM events') events"

say "The host, with user_counter, revenue and activity_log in its plugin directory"
for plugin in user_counter revenue activity_log; do
  install -m 644 "$build/plugins/$plugin.so" "$work/plugins/"
done
"$build/bin/projectord" --config "$work/projectord.toml" --plugin-dir "$work/plugins" 2>"$work/host.log" &
host_pid=$!
until_true "SELECT to_regclass('projector_workers') IS NOT NULL" "the host's tables"
until_true "SELECT count(*) = 3 AND min(position) >= 20000 FROM projector_checkpoints" "the three projections"
"$build/bin/projectorctl" --config "$work/projectord.toml" status

say "Events keep coming; 5 seconds before anything is added"
write_events -T 12 & writers+=($!)
until_true "SELECT min(position) > 20000 FROM projector_checkpoints" "the writers' first events"
watch_commits "$work/before.txt" & watcher=$!
sleep 5
kill "$watcher"; wait "$watcher" 2>/dev/null || true
threads="SELECT name, thread FROM projector_workers WHERE name <> 'event_types' ORDER BY 1"
backends="SELECT pid, backend_start FROM pg_stat_activity WHERE application_name LIKE 'projectord %' ORDER BY 1"
ask "$threads" >"$work/threads"
ask "$backends" >"$work/backends"

say "A fourth plugin, the README's sample: built with the installed SDK and dropped in"
awk '/^    #include <projector\/plugin.hpp>/ { code = 1 } code { print substr($0, 5) } /^    PROJECTOR_EXPORT_/ { exit }' \
  "$root/README.md" >"$work/event_types.cpp"
cmake --install "$build" --component sdk --prefix "$work/sdk" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/sdk" -name projector.pc)")
export PKG_CONFIG_PATH
printf '%s\n' "g++ -std=c++20 -O2 -o event_types.so event_types.cpp \$(pkg-config --cflags --libs projector)"
# shellcheck disable=SC2046
g++ -std=c++20 -O2 -o "$work/event_types.so" "$work/event_types.cpp" $(pkg-config --cflags --libs projector)
write_events -T 6 & writers+=($!) # the first ones may have ended while the compiler ran
watch_commits "$work/during.txt" & watcher=$!
sleep 0.2
cp "$work/event_types.so" "$work/plugins/"
until_true "SELECT count(*) = 1 FROM projector_checkpoints WHERE name = 'event_types' AND position > 0" "the fourth"
sleep 3
kill "$watcher"; wait "$watcher" 2>/dev/null || true
ask "$threads" >"$work/threads.after"
ask "$backends" >"$work/backends.after"
grep -h 'event_types' "$work/host.log" || true

say "The others meanwhile: threads and database backends"
paste -d ' ' "$work/threads" "$work/threads.after" | sed 's/^/  /'
cmp -s "$work/threads" "$work/threads.after" || wrong "a thread of another projection changed"
missing=$(comm -23 <(sort "$work/backends") <(sort "$work/backends.after"))
if [ -n "$missing" ]; then
  wrong "these backends are gone: $missing"
else
  echo "  all $(wc -l <"$work/backends") backends are the same, $(wc -l <"$work/backends.after") now"
fi
say "The others' largest gap between two commits, before"
largest_gaps "$work/before.txt"
say "and while the fourth was added"
largest_gaps "$work/during.txt"

say "The writers end; every read model against what SQL computes from events"
wait "${writers[@]}" || wrong "a writer failed: $(tail -n 3 "$work/pgbench.log")"
writers=()
last=$(ask "SELECT max(global_position) FROM events")
until_true "SELECT count(*) = 4 AND min(position) >= $last FROM projector_checkpoints" "all four at $last"
compare_shipped
compare event_types "SELECT type, events FROM event_types_counts" "SELECT event_type, count(*) FROM events GROUP BY 1"
skipped=$(ask "SELECT last_value - (SELECT count(*) FROM events) FROM events_global_position_seq")
echo "  $(ask 'SELECT count(*) FROM events') events, $skipped positions were rolled back"
"$build/bin/projectorctl" --config "$work/projectord.toml" status
if grep -E ' (error|criti)' "$work/host.log"; then
  wrong "the host logged errors"
fi

stay "plugins in $work/plugins"
kill -TERM "$host_pid"
wait "$host_pid" || wrong "the host ended with $?"
host_pid=''
verdict "Done: nothing lost, nothing twice, nobody disturbed"
