#!/usr/bin/env bash
# From one worker to four and to eight, each a process of its own, while events keep coming: each catches up alone with its
# quarter, one is killed and comes back, and the projections are split. Ends with 1 where anything is wrong.
# usage: scaling.sh [--once]   (without --once it stays up at the end, when a person is there to look around)
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/release
work=$(mktemp -d)
# shellcheck disable=SC1091
. "$root/tests/demo/show.sh"
projections=(user_counter revenue activity_log)
workers=() writers=''
end() {
  [ -z "$writers" ] || kill "$writers" 2>/dev/null || true
  [ "${#workers[@]}" -eq 0 ] || kill "${workers[@]}" 2>/dev/null || true
  private_postgres_stop
  rm -rf "$work"
}
trap end EXIT

ctl() { "$build/bin/projectorctl" --config "$work/projectord.toml" "$@"; }
show_status() { ctl status | grep -E '^(PROJECTION|activity_log) ' | cut -c 1-100 | sed 's/^/  /'; }
newest() { ask "SELECT max(global_position) FROM events"; }
start_worker() { # ID TOTAL
  "$build/bin/projectord" --config "$work/projectord.toml" --worker-id "$1" --total-workers "$2" 2>>"$work/worker$1.log" &
  workers[$1]=$!
}
stop_workers() {
  local id
  kill -TERM "${workers[@]}"
  for id in "${!workers[@]}"; do
    wait "${workers[id]}" || wrong "worker $id ended with $?"
  done
  workers=()
}
until_true() { # SQL DESCRIPTION
  local tries=1200 id
  until [ "$(ask "$1")" = t ]; do
    for id in "${!workers[@]}"; do
      kill -0 "${workers[id]}" 2>/dev/null || { cat "$work/worker$id.log"; echo "worker $id has ended" >&2; exit 1; }
    done
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { ctl status; echo "waited too long for: $2" >&2; exit 1; }
    sleep 0.05
  done
}
until_at() { # POSITION [CONDITION]
  until_true "SELECT count(*) > 0 AND min(position) >= $1 FROM projector_checkpoints WHERE ${2:-true}" "position $1"
}
seconds_since() { # EPOCH
  awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f s", to - from }'
}
handled_by() { # ID: events of activity_log, which takes all of its partition
  ask "SELECT handled FROM projector_workers WHERE projection = 'activity_log' AND host LIKE '%/${workers[$1]}'"
}
# Starts one and shows what it catches up with.
add_worker() { # ID TOTAL
  local target from
  target=$(newest)
  from=$(date +%s.%N)
  start_worker "$1" "$2"
  until_true "SELECT to_regclass('projector_workers') IS NOT NULL" "the host's tables"
  until_at "$target" "partition = $1"
  printf '  partition %s reached %s, the newest event of its start, after %s\n' "$1" "$target" "$(seconds_since "$from")"
}

say "A private PostgreSQL, 100,000 events, and writers that add some 600 a second from now on"
private_postgres_start "$work/pg"
mkdir "$work/plugins"
for plugin in "${projections[@]}"; do
  install -m 644 "$build/plugins/$plugin.so" "$work/plugins/"
done
cat >"$work/projectord.toml" <<TOML
[event_store]
dsn = "host=$work/pg user=postgres dbname=postgres"
[plugins]
cache = "$work/cache"
state = "$work/state"
directories = ["$work/plugins"]
[defaults]
batch_size = 500
partitions = 4
[projection.user_counter]
[projection.revenue]
[projection.activity_log]
TOML
ctl schema apply
psql -Xq -v events=100000 -f "$root/tests/demo/many_orders.sql"
write_events -T 3600 --rate 600 & writers=$!

say "Worker 0 of 4: it runs partition 0 of each projection, and nobody runs the others"
echo "\$ projectord --config projectord.toml --worker-id 0 --total-workers 4"
add_worker 0 4
show_status

for id in 1 2 3; do
  say "Worker $id joins; the others go on"
  add_worker "$id" 4
  slowest=$(ask "SELECT max((SELECT max(global_position) FROM events) - position) FROM projector_checkpoints
                 WHERE partition < $id")
  echo "  the others are $slowest events behind the newest at most"
done
until_at "$(newest)"
show_status

say "Each worker's share of the events of activity_log"
ask "SELECT partition, handled, round(100.0 * handled / sum(handled) OVER (), 1) FROM projector_workers
     WHERE projection = 'activity_log' ORDER BY 1" |
  awk -F ' [|] ' '{ printf "  worker %s  %7s events  %s %%\n", $1, $2, $3; if ($3 < 20 || $3 > 30) bad = 1 } END { exit bad }' ||
  wrong "a share is far from a quarter"

say "Worker 2 is killed, for three seconds"
others="SELECT name, host, thread FROM projector_workers WHERE partition <> 2 ORDER BY 1"
before=$(ask "$others")
kill -KILL "${workers[2]}"
wait "${workers[2]}" 2>/dev/null || true
unset 'workers[2]'
sleep 3
echo "  $(ask "SELECT string_agg(format('partition %s: %s behind', partition, (SELECT max(global_position) FROM events)
               - position), ', ' ORDER BY partition) FROM projector_checkpoints WHERE checkpoint = 'activity_log'")"
[ "$(ask "$others")" = "$before" ] || wrong "another worker's process or thread changed"
echo "  the threads of the others are the same"
add_worker 2 4
echo "  it missed $(handled_by 2) events of activity_log"

say "All stop, and each projection is split into 8; the writers go on"
stop_workers
until_true "SELECT count(*) = 0 FROM projector_workers WHERE heartbeat > now() - interval '5 seconds'" \
  "the silence of the one that was killed"
for projection in "${projections[@]}"; do
  if ctl repartition "$projection" --to 8 >"$work/repartition.txt"; then
    grep 'partitions now' "$work/repartition.txt" | sed 's/^/  /'
  else
    wrong "$projection was not split"
  fi
done
sed -i 's/^partitions = 4/partitions = 8/' "$work/projectord.toml"

say "8 workers"
for id in 0 1 2 3 4 5 6 7; do
  start_worker "$id" 8
done
until_at "$(newest)"
until_true "SELECT count(*) = 24 FROM projector_workers WHERE state = 'live' AND heartbeat > now() - interval '5 seconds'" \
  "24 live partitions"
show_status

say "The writers end; every read model against what SQL computes from events"
kill "$writers"
wait "$writers" 2>/dev/null || true
writers=''
until_true "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'" "the writers' end"
until_at "$(newest)"
compare_shipped
echo "  $(ask 'SELECT count(*) FROM events') events, 24 partitions, $(ask 'SELECT deadlocks FROM pg_stat_database
  WHERE datname = current_database()') deadlocks"
if grep -hE ' (error|criti)' "$work"/worker*.log; then
  wrong "a worker logged errors"
fi

stay "the configuration is $work/projectord.toml"
stop_workers
verdict "Done: from 1 worker to 8, nothing lost, nothing twice"
