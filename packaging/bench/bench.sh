#!/usr/bin/env bash
# Measures Ruche beside bare Go servers and the WebDAV servers of Debian, and prints a table of ratios.
#   bash packaging/bench/bench.sh [--quick] [--rounds N] [--json FILE] [PEERS...]
# --quick      small sizes and one round: shows that everything runs, its figures judge nothing
# --rounds N   how often each peer has its turn, 3 when not given; the table has medians
# --json FILE  keeps the lines of every measure
# PEERS        apache lighttpd nginx rclone when not given, with --quick none (peers.sh install brings them)
# As root each server has a fresh file system of its own, else a folder. Everything is made in BENCH_DIR, a new
# folder of TMPDIR when not set, and taken away at the end; with the peers it needs up to 30 GB.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin

quick=0 rounds=3 json='' peers=()
while [ $# -gt 0 ]; do
  case $1 in
  --quick) quick=1 rounds=1 ;;
  --rounds) rounds=$2; shift ;;
  --json) json=$2; shift ;;
  -*) sed -n '2,9s/^# \?//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  *) peers+=("$1") ;;
  esac
  shift
done
sizes=1000,10000,100000 settings=() disk=5G judge=true
if [ $quick = 1 ]; then
  sizes=100,1000,3000 disk=600M judge=false
  settings=(-large-mib 32 -small-n 240 -dir-n 500 -idle 2s)
elif [ ${#peers[@]} = 0 ]; then
  peers=(apache lighttpd nginx rclone)
fi
servers=(ruche floor floor-durable "${peers[@]}")

work=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/var/tmp}}/ruche-bench.XXXXXX")
export BENCH_BIN=$work/bin BENCH_PORT=$((20000 + RANDOM % 240 * 50))
chmod 755 "$work" # the peers run as another user
lines=$work/lines.json
can_mount=0 started=()
cleanup() {
  local name
  for name in "${started[@]}"; do drop "$name"; done
  rm -rf "$work"
}
trap cleanup EXIT

# place NAME: a file system for a server, as root; else a folder.
place() {
  started+=("$1")
  if [ $can_mount = 1 ]; then bash "$here/peers.sh" fresh "$work/$1" "$disk"; else mkdir -p "$work/$1"; fi
}
drop() {
  [ -d "$work/$1" ] || return 0
  bash "$here/peers.sh" stop "$1" "$work/$1"
  if mountpoint -q "$work/$1"; then bash "$here/peers.sh" unfresh "$work/$1"; else rm -rf "${work:?}/$1"; fi
}
device() { if [ $can_mount = 1 ]; then basename "$(findmnt -no SOURCE "$work/$1")"; fi; }
start() { bash "$here/peers.sh" start "$1" "$work/$1" >"$work/$1.args"; }
# measure NAME SUITES...: one round of a running server.
measure() {
  local name=$1 suites=$2; shift 2
  # shellcheck disable=SC2046 # the arguments that peers.sh printed
  "$BENCH_BIN/davbench" $(cat "$work/$name.args") -device "$(device "$name")" -run "$suites" -reps 1 "${settings[@]}" "$@" >>"$lines"
}
# turn N: the servers, another one first in each round.
turn() { local i; for i in "${!servers[@]}"; do echo "${servers[(i + $1) % ${#servers[@]}]}"; done; }
say() { printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2; }

mkdir -p "$BENCH_BIN"
say "building"
(cd "$here/../.." && go build -o "$BENCH_BIN/" ./cmd/ruche ./packaging/bench/davbench ./packaging/bench/floor ./packaging/bench/fill ./packaging/bench/tlsdoor ./packaging/bench/table)
if [ "$(id -u)" = 0 ] && bash "$here/peers.sh" fresh "$work/probe" 16M 2>/dev/null; then
  bash "$here/peers.sh" unfresh "$work/probe"; can_mount=1
else
  say "no file systems of their own: not root, or no loop devices"
fi

for round in $(seq "$rounds"); do
  say "round $round of $rounds: starting ${servers[*]}"
  for name in "${servers[@]}"; do place "$name"; start "$name"; done
  for suites in memory small large directory; do
    for name in $(turn "$round"); do say "  $suites: $name"; measure "$name" "$suites"; done
    if [ $suites = small ]; then
      place limits
      "$BENCH_BIN/floor" -peer limits -dir "$work/limits/data" -limits bbolt -reps 1 >>"$lines"
      drop limits
    fi
  done
  if [ $can_mount = 1 ]; then
    for name in ruche floor-durable; do say "  written: $name"; measure "$name" written; done
  fi
  for name in "${servers[@]}"; do drop "$name"; done
  for name in ruche-tls floor-tls; do place "$name"; start "$name"; done
  for name in ruche-tls floor-tls; do say "  large: $name"; measure "$name" large; done
  for name in ruche-tls floor-tls; do drop "$name"; done
done

say "filling folders of $sizes files"
place ruche
BENCH_FILL="-folders $sizes" start ruche
bash "$here/peers.sh" stop ruche "$work/ruche"
port=$((BENCH_PORT + 1))
say "  start"
"$BENCH_BIN/davbench" -peer ruche -files "http://127.0.0.1:$port/dav/files/bench/" -run start "${settings[@]}" \
  -launch "$BENCH_BIN/ruche serve --data $work/ruche/ruche/data --listen 127.0.0.1:$port" >>"$lines"
start ruche
for suites in idle growth; do
  say "  $suites"
  measure ruche $suites -reps 3 -sizes "$sizes"
done
drop ruche
for name in floor; do place $name; start $name; say "  idle: $name"; measure $name idle; drop $name; done

[ -z "$json" ] || cp "$lines" "$json"
IFS=, read -r small middle large <<<"$sizes"
without=
if [ $can_mount = 0 ]; then without=written-1conn,written-50conn; echo "not measured without a file system of its own: bytes written for a PUT"; fi
"$BENCH_BIN/table" -judge=$judge -without "$without" -small "$small" -middle "$middle" -large "$large" <"$lines"
