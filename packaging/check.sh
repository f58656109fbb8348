#!/usr/bin/env bash
# Installs what the tests need, then runs all of them.
#   bash packaging/check.sh [--full | --trust] [--no-install]
# --full        the long tests in full length (10 GiB, 100,000 files), a minute of each fuzz test
# --trust       only what packaging/trust.md tells of, in full length: the tests named TestTrust..., a minute of each
#               fuzz test. Prints their figures; fails when one is not met or a test was skipped. Needs root.
# --no-install  leave the machine's packages alone; what is missing skips its tests, by name
# Ends with 0 when everything passed. Writes nothing into the tree.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

full=0 trust=0 install=1 fuzztime=5s timeout=25m
for option in "$@"; do
  case $option in
  --full) full=1 fuzztime=1m timeout=3h ;;
  --trust) trust=1 full=1 fuzztime=1m timeout=3h ;;
  --no-install) install=0 ;;
  *) sed -n '2,8s/^# \?//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=()
heading() { printf '\n== %s\n' "$*"; }
# step NAME COMMAND...: runs it, and remembers that it failed.
step() {
  local name=$1; shift
  heading "$name"
  "$@" || { failed+=("$name"); echo "FAILED: $name" >&2; }
}

# The real clients, the race detector's compiler, and the tools of the disk tests. Each line: the program or file
# that shows it is there, then the packages that bring it.
wanted() {
  cat <<'LIST'
gcc gcc libc6-dev
curl curl
litmus litmus
rclone rclone
cadaver cadaver
mount.davfs davfs2
gio libglib2.0-bin
dbus-run-session dbus dbus-daemon
/usr/libexec/gvfsd-dav gvfs gvfs-daemons gvfs-backends
soffice libreoffice-writer-nogui
/usr/lib/python3/dist-packages/uno.py python3 python3-uno
mkfs.ext4 e2fsprogs
mkfs.xfs xfsprogs
findmnt mount util-linux
strace strace
systemd-analyze systemd
LIST
}

present() {
  case $1 in
  /*) [ -e "$1" ] ;;
  *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
  esac
}

missing() { wanted | while read -r shows packages; do present "$shows" || echo "$packages"; done; }

install_packages() {
  local packages; packages=$(missing | tr '\n' ' ')
  [ -n "$packages" ] || { echo "everything is installed"; return; }
  local as_root=()
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "this machine has no apt-get; please install by hand: $packages"; return
  elif [ "$(id -u)" != 0 ]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || { echo "neither root nor sudo without a password; please install by hand: apt-get install $packages"; return; }
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
  echo "installing $packages"
  "${apt[@]}" update >"$scratch/apt.log" 2>&1 || echo "apt-get update failed; trying with the lists that are there"
  # shellcheck disable=SC2086 # a list of packages
  if ! "${apt[@]}" install -y --no-install-recommends $packages >>"$scratch/apt.log" 2>&1; then
    local line
    missing >"$scratch/missing"
    while read -r line; do # one at a time: one that cannot be had does not keep the others away
      # shellcheck disable=SC2086
      "${apt[@]}" install -y --no-install-recommends $line >>"$scratch/apt.log" 2>&1 </dev/null || true
    done <"$scratch/missing"
  fi
  if [ -n "$(missing)" ]; then
    echo "could not install, so the tests that need it are skipped:"
    missing | sed 's/^/  /'
    tail -n 5 "$scratch/apt.log"
  fi
}

formatted() {
  local files; files=$(gofmt -l .) || return 1
  [ -z "$files" ] || { echo "not formatted by gofmt:"; echo "$files"; return 1; }
}

# found_nothing tells the end of the time, which go test at times reports as a failure, from a finding: for a
# finding it names the file that the input was written to.
found_nothing() {
  grep -q '^    context deadline exceeded$' "$scratch/fuzz.log" && ! grep -q 'Failing input written to' "$scratch/fuzz.log"
}

# fuzz lets each fuzz test look for new inputs for a short while. What it finds goes to testdata of the package;
# inputs that are merely new stay in Go's cache. Known inputs run with the other tests.
fuzz() {
  local listing word rest bad=0 names=()
  listing=$(go test -list '^Fuzz' ./...) || { echo "$listing"; return 1; }
  while read -r word rest; do
    case $word in
    Fuzz*) names+=("$word") ;;
    ok)
      local name package=${rest%%[[:space:]]*}
      for name in "${names[@]}"; do
        echo "$package $name"
        go test -run '^$' -fuzz "^$name\$" -fuzztime "$fuzztime" -parallel 2 "$package" >"$scratch/fuzz.log" 2>&1 </dev/null ||
          if found_nothing; then echo "  its time ended inside an input, which go test calls a failure"; else bad=1; cat "$scratch/fuzz.log"; fi
      done
      names=() ;;
    esac
  done <<<"$listing"
  return $bad
}

# tests prints what failed as it happens, a line for each package, and at the end every skipped test with its reason.
tests() {
  local race=(-race)
  present gcc || { race=(); echo "no C compiler: without the race detector"; }
  go build -o "$scratch/testlog" ./packaging/testlog || return 1
  RUCHE_FULL=$full go test "${race[@]}" -shuffle=on -count=1 -timeout "$timeout" -p 2 -json ./... 2>&1 </dev/null |
    "$scratch/testlog" /dev/stdin | tee "$scratch/tests.log"
  local status=("${PIPESTATUS[@]}")
  [ "${status[0]}" = 0 ] && [ "${status[1]}" = 0 ] && return
  printf '\nwhat failed, once more:\n'
  grep '^FAIL  ' "$scratch/tests.log"
  return 1
}

# trust runs the tests that show that nothing is lost or leaked. They run without the race detector, which the gate
# uses: the server is a process of its own, and time counts. A skipped test shows nothing, so it fails.
trust() {
  go build -o "$scratch/testlog" ./packaging/testlog || return 1
  RUCHE_FULL=1 go test -run '^TestTrust' -count=1 -timeout "$timeout" -p 1 -json ./... 2>&1 </dev/null |
    "$scratch/testlog" /dev/stdin | grep -v 'no test files' | tee "$scratch/trust.log"
  local status=("${PIPESTATUS[@]}")
  [ "${status[0]}" = 0 ] && [ "${status[1]}" = 0 ] || return 1
  grep -q '^skipped tests: 0$' "$scratch/trust.log" || { echo "what was skipped shows nothing"; return 1; }
}

# builds makes the program for the boards it is meant for, without a C compiler, and looks at all packages as they
# are on 32 bits.
builds() {
  local bad=0
  GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -o /dev/null ./cmd/ruche || bad=1
  GOOS=linux GOARCH=arm GOARM=7 CGO_ENABLED=0 go build -o /dev/null ./cmd/ruche || bad=1
  GOOS=linux GOARCH=arm GOARM=7 CGO_ENABLED=0 go vet ./... || bad=1
  return $bad
}

if [ $install = 1 ]; then heading "what the tests need"; install_packages; fi
PATH=$PATH:/usr/local/go/bin
if ! command -v go >/dev/null 2>&1; then echo "Go is not installed: see go.mod for the version" >&2; exit 1; fi
if [ $trust = 1 ]; then
  step "trust, in full" trust
  step "fuzz, $fuzztime each" fuzz
else
  step "gofmt" formatted
  step "go vet" go vet ./...
  step "go vet of the build for tests of faults" go vet -tags faulty ./storage/...
  step "build for arm64 and armv7, go vet for armv7" builds
  step "staticcheck" go tool staticcheck ./...
  step "fuzz, $fuzztime each" fuzz
  step "go test" tests
  step "bench, short: that it runs" packaging/bench/bench.sh --quick
fi

if [ ${#failed[@]} -gt 0 ]; then
  printf '\nFAILED: %s\n' "${failed[*]}" >&2
  exit 1
fi
