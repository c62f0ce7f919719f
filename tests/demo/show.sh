# shellcheck shell=bash
# What the walk-throughs share: writers, comparisons and the verdict. The checkout is at `root`, a directory at `work`.

# shellcheck disable=SC1091
. "${root:?}/tests/support/private_postgres.sh"
chmod 755 "${work:?}"
failed=false
once=false
[ "${1:-}" != --once ] && [ -t 0 ] || once=true

say() { printf '\n== %s\n' "$*"; }
wrong() { printf 'WRONG: %s\n' "$*"; failed=true; }
ask() { psql -XqAt -F ' | ' -c "$1"; }
write_events() { # OPTION.. of pgbench, which takes the place of the shell: run it in the background
  exec env PGOPTIONS='-c synchronous_commit=off' pgbench -n -c 3 "$@" -f "$root/tests/demo/orders.sql@9" \
    -f "$root/tests/demo/rolled_back.sql@1" >"$work/pgbench.log" 2>&1
}
compare() { # NAME QUERY QUERY
  local difference
  difference=$(ask "SELECT count(*) FROM (($2) EXCEPT ALL ($3) UNION ALL ($3) EXCEPT ALL ($2)) AS difference")
  if [ "$difference" = 0 ]; then
    printf '  %-14s equal\n' "$1"
  else
    wrong "$1 differs from what SQL computes in $difference rows"
  fi
}
compare_shipped() {
  compare user_counter "SELECT users::bigint FROM user_counter_total" \
    "SELECT count(*) FROM events WHERE event_type = 'UserCreated'"
  compare revenue "SELECT day, currency, orders, amount FROM revenue_totals" \
    "SELECT (created_at AT TIME ZONE 'UTC')::date, p ->> 'currency', count(*), sum((p ->> 'amount')::numeric) FROM
     (SELECT created_at, convert_from(payload, 'UTF8')::jsonb AS p FROM events WHERE event_type = 'OrderPlaced') o
     GROUP BY 1, 2"
  compare activity_log "SELECT global_position, event_id, event_type, aggregate_id FROM activity_log_entries" \
    "SELECT global_position, event_id, event_type, aggregate_id FROM events"
}
verdict() { # WHAT IS SHOWN WHEN NOTHING IS WRONG
  if $failed; then
    say "Something was wrong"
    exit 1
  fi
  say "$1"
}
stay() { # WHAT TO LOOK AT
  $once || { say "All of it stays up until you press Enter: psql -h $work/pg -U postgres; $1"; read -r _; }
}
