# shellcheck shell=bash
# Sourced by tools/test and tools/demo: the virtual environment .venv in the repository's root.
#
#     source tools/environment.sh
#     set_up_environment dev mozaik    # with these extras of pyproject.toml; takes no time if all is there
#
# Defines ROOT (the repository) and PYTHON (the environment's interpreter), and puts the environment first in PATH.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
PYTHON=$VENV/bin/python
# What else the caller has installed or activated must not leak into the environment.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

# run_logged LOG COMMAND...: its output goes to the log; if it fails, the log's end is shown.
run_logged() {
    local log=$1 status=0
    shift
    printf '$ %s\n' "$*" >>"$log"
    "$@" </dev/null >>"$log" 2>&1 || status=$?
    if ((status)); then
        say "Failed with exit code $status: $*"
        say "The end of $log:"
        tail -n 25 -- "$log" | sed 's/^/    /' >&2
    fi
    return "$status"
}

can_install_packages() { [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; }

# install_packages PACKAGE...: Debian packages, whose services are not started. Only for root.
install_packages() ( # a subshell, for traps of its own
    log=$(mktemp)
    policy=/usr/sbin/policy-rc.d
    export DEBIAN_FRONTEND=noninteractive
    if [[ ! -e $policy ]]; then
        trap 'rm -f -- "$policy"' EXIT
        trap 'exit 130' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 -- "$policy"
    fi
    say "Installing Debian packages: $* ..."
    run_logged "$log" apt-get update || exit 1
    run_logged "$log" apt-get install --yes "$@" || exit 1
    rm -f -- "$log"
)

# find_python: an interpreter that can make virtual environments. 3.11 is what NEST and mozaik are tested with.
find_python() {
    local name candidate
    for name in python3.11 python3.12 python3.10 python3.13 python3; do
        while read -r candidate; do
            # Running it tells more than finding it: version managers have names for versions that aren't there.
            if [[ $candidate != "$VENV"/* ]] && "$candidate" - <<<'import ensurepip, sys, venv
sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
                printf '%s\n' "$candidate"
                return
            fi
        done < <(type -ap "$name")
    done
    return 1
}

make_venv() {
    local log=$1 python
    if ! python=$(find_python); then
        if ! can_install_packages; then
            say "No Python >= 3.10 that can make virtual environments. Install one; on Debian or Ubuntu, as root:"
            say "    apt-get install python3-venv"
            return 1
        fi
        install_packages python3 python3-venv || return 1
        if ! python=$(find_python); then
            say "This system's python3 is older than the 3.10 that is needed. Install a newer one and put it into PATH."
            return 1
        fi
    fi
    run_logged "$log" "$python" -m venv --clear "$VENV"
}

# The state that a finished set-up was made for: a stamp of it is left for every extra.
wanted_state() {
    (cd -- "$ROOT" && pwd -P && cat pyproject.toml tools/install_mozaik.py tools/mozaik_patches.py) | sha256sum
}

is_set_up() {
    local state extra
    state=$(wanted_state)
    [[ -x $PYTHON ]] || return 1
    for extra in "$@"; do
        [[ -f $VENV/set-up-$extra && $(<"$VENV/set-up-$extra") == "$state" ]] || return 1
    done
}

set_up_while_locked() {
    local log extra state extras
    is_set_up "$@" && return # somebody else did it while we waited for the lock
    state=$(wanted_state)
    log=$(mktemp)
    say "Setting up $VENV (one to three minutes the first time; log in $log) ..."
    # An environment that was moved, or whose interpreter is gone, is made anew.
    if ! "$PYTHON" -m pip --version >/dev/null 2>&1 || [[ -f $VENV/set-up-in && $(<"$VENV/set-up-in") != "$ROOT" ]]; then
        make_venv "$log" || return 1
    fi
    printf '%s\n' "$ROOT" >"$VENV/set-up-in"
    extras=$(IFS=,; printf '%s' "$*")
    run_logged "$log" "$PYTHON" -m pip install --editable "${ROOT}[$extras]" || return 1
    if [[ ,$extras, == *,mozaik,* ]]; then
        run_logged "$log" "$PYTHON" "$ROOT/tools/install_mozaik.py" || return 1
    fi
    for extra in "$@"; do
        printf '%s\n' "$state" >"$VENV/set-up-$extra"
    done
    mv -- "$log" "$VENV/set-up.log"
}

# set_up_environment EXTRA...: makes sure that .venv has this project with these extras (and mozaik for that extra).
set_up_environment() {
    if ! is_set_up "$@"; then
        ( # one at a time: the lock is on the directory itself and ends with this subshell
            flock 9
            set_up_while_locked "$@"
        ) 9<"$ROOT" || return 1
    fi
    export VIRTUAL_ENV=$VENV PATH=$VENV/bin:$PATH
}
