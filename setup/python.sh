#!/bin/sh
# setup/python.sh LOCK...: make .venv and install each lock file into it, unless that is already so.
#
# Needs Python >= 3.11 and nothing else; a missing piece is named together with the command that brings it.
# Packages are checked against the hashes in the lock files, whoever installs them: uv (pinned, quick) or, where uv
# cannot, pip. Where pip has been told of another index or of certificates, uv is told as well.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

# Before a command that only root may run; nothing for root, who may have no sudo.
as_root() {
    [ "$(id -u)" = 0 ] || echo "sudo "
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        # A plain /usr/bin/python3 may be recent enough where the first on the PATH is not.
        for candidate in "$(command -v "$python" || true)" "/usr/bin/$python" "/usr/local/bin/$python"; do
            if [ -n "$candidate" ] && new_enough "$candidate"; then
                echo "$candidate"
                return
            fi
        done
    done
    if command -v apt-get >/dev/null; then
        name=python3
        ! command -v python3 >/dev/null || name=python3.11 # theirs is too old, and a newer one goes by its number
        how="$(as_root)apt-get install $name $name-venv"
    elif command -v dnf >/dev/null; then
        how="$(as_root)dnf install python3.12"
    elif command -v brew >/dev/null; then
        how="brew install python@3.12"
    else
        how="see python.org/downloads"
    fi
    fail "Python 3.11 or newer is needed and was not found. Install it: $how"
}

# Debian ships Python without ensurepip: `python3 -m venv` then fails half-way.
make_venv() {
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        command -v apt-get >/dev/null || fail "$python lacks its venv module; install the package that brings it"
        [ "$(id -u)" = 0 ] || fail "Python's venv module is missing. Install it: sudo apt-get install python$version-venv"
        echo "setup: installing python$version-venv" >&2
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "python$version-venv" >/dev/null || fail "apt-get could not install python$version-venv"
    fi
    echo "setup: making .venv with $python" >&2
    rm -rf .venv
    "$python" -m venv .venv || fail "$python could not make .venv"
}

# What pip was told (by file or by environment) as one value, or nothing: pip_was_told cert
pip_was_told() {
    echo "$pip_config" | sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | head -n 1 | sed 's/\\n/ /g'
}

tell_uv_what_pip_knows() {
    pip_config=$(.venv/bin/python -m pip config list 2>/dev/null || true)
    index=$(pip_was_told index-url)
    more=$(pip_was_told extra-index-url)
    wheels=""
    for place in $(pip_was_told find-links); do
        # pip passes over a folder that is not there; uv stops at it
        case $place in *://*) ;; *) [ -d "$place" ] || continue ;; esac
        wheels="$wheels,$place"
    done
    certificates=$(pip_was_told cert)
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    [ -z "$more" ] || export UV_INDEX="${UV_INDEX:-$more}" UV_INDEX_STRATEGY=unsafe-best-match
    [ -z "$wheels" ] || export UV_FIND_LINKS="${UV_FIND_LINKS:-${wheels#,}}"
    [ -z "$certificates" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"
}

install() {
    echo "setup: installing $1" >&2
    if .venv/bin/python -m uv --version >/dev/null 2>&1 ||
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r setup/requirements-uv.lock
    then
        tell_uv_what_pip_knows
        # Links fail across file systems; a copy always works and is as quick for these sizes.
        if UV_LINK_MODE="${UV_LINK_MODE:-copy}" VIRTUAL_ENV="$PWD/.venv" \
            .venv/bin/python -m uv pip install --quiet --require-hashes -r "$1"
        then
            return
        fi
    fi
    echo "setup: uv could not; trying pip" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1" ||
        fail "the packages of $1 could not be installed"
}

# A stamp names the place too: scripts of a virtual environment that was moved point into the void.
here() {
    (cd .venv && pwd -P)
}

wanted_stamp() {
    here
    cksum <"$1"
}

new_enough .venv/bin/python || make_venv
for lock in "$@"; do
    stamp=".venv/.installed-$(basename "$lock")"
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$(wanted_stamp "$lock")" ]; then
        if [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" != "$(here)" ]; then
            make_venv
        fi
        install "$lock"
        wanted_stamp "$lock" >"$stamp"
    fi
done
