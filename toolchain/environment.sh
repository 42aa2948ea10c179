# Sourced by the scripts at the top of the checkout. POSIX sh.
#
# Reads $root, the folder of the checkout; sets, all absolute:
#   checkout      the folder of the checkout
#   writable      where this person may write: the checkout, or a folder of their own cache
#   environment   the virtual environment, complete, with both distributions installed editable
#
# The environment is complete when its stamp equals the checksums of the two pyproject.toml files (paths included, so
# that a moved checkout is noticed) and of pyvenv.cfg, which names the Python. The stamp is written last: a set-up
# that was killed half-way has none, and the next one starts over. One lock lets one set-up run at a time. It is a
# flock on a descriptor of this shell, so it ends with the shell, however that ends.
#
# When there is nothing to do this costs two forks: pwd and cksum.

say() {
    printf 'mobileops: %s\n' "$*" >&2
}

# fail WHAT WHY FIX
fail() {
    printf '%s\n  why: %s\n  fix: %s\n' "$1" "$2" "$3" >&2
    exit 4
}

fingerprint() {
    cksum "$checkout/pyproject.toml" "$checkout/runtime_min/pyproject.toml" "$1/pyvenv.cfg" 2>/dev/null
}

# Reads the stamp with builtins only: this runs before every command.
is_complete() {
    [ -x "$1/bin/mobileops" ] && [ -x "$1/bin/python" ] && [ -f "$1/stamp" ] || return 1
    expected=$(fingerprint "$1") || return 1
    recorded=
    while IFS= read -r line; do
        recorded="$recorded${recorded:+
}$line"
    done <"$1/stamp"
    [ "$recorded" = "$expected" ]
}

cache_folder() {
    set -- "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/mobileops" "$(printf %s "$checkout" | cksum)"
    printf '%s/checkout-%s\n' "$1" "${2%% *}"
}

may_build_in() {
    [ -w "$1" ] || return 1
    [ ! -e "$1/.mobileops-venv" ] || [ -w "$1/.mobileops-venv" ]
}

# Probes by running: a version manager's shim is on PATH even when there is no Python behind it. The real path is
# taken, so that the environment hangs on python3.12 and not on a python3 that the next upgrade points elsewhere.
find_python() {
    for candidate in python3.14 python3.13 python3.12 python3.11 python3; do
        "$candidate" -c "import os, sys
sys.version_info >= (3, 11) or sys.exit(1)
$1
print(os.path.realpath(sys.executable))" 2>/dev/null && return 0
    done
    return 1
}

choose_python() {
    installer=pip
    needs='import ensurepip, venv'
    if uv --version >/dev/null 2>&1; then
        installer=uv
        needs=
    fi
    python=$(find_python "$needs") && return 0
    python=$(find_python '') || fail "no Python 3.11 or newer was found" \
        "python3.14 to python3.11 and python3 on PATH were tried" \
        "install one (Debian, Ubuntu: apt-get install python3 python3-venv) and run this again"
    fail "$python cannot make virtual environments" \
        "its modules venv and ensurepip are missing; Debian and Ubuntu ship them apart" \
        "apt-get install ${python##*/}-venv, or install uv, and run this again"
}

# flock(2) through Python, which is needed anyway; flock(1) is not everywhere.
take_lock() {
    mkdir -p "$writable" || fail "cannot create $writable" "the checkout is not writable, nor is the cache folder" \
        "set XDG_CACHE_HOME to a folder you may write to"
    exec 9>"$writable/.mobileops-venv.lock"
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null && return 0
    say "another set-up of this checkout is running, waiting for it"
    "$python" -c 'import fcntl, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); fcntl.flock(9, fcntl.LOCK_EX)' ||
        fail "cannot lock $writable/.mobileops-venv.lock" "see the line above" \
            "set XDG_CACHE_HOME to a folder on a local disk, or remove write permission from the checkout"
}

make_environment() {
    if [ "$installer" = uv ]; then
        uv venv --quiet --python "$python" "$environment"
    else
        "$python" -m venv "$environment"
    fi
}

install_distributions() {
    if [ "$installer" = uv ]; then
        uv pip install --quiet --python "$environment/bin/python" --compile-bytecode \
            -e "$checkout/runtime_min[debug,shell,sigstore]" -e "$checkout"
    else
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
            -e "$checkout/runtime_min[debug,shell,sigstore]" -e "$checkout"
    fi
}

# An environment that was complete once is brought up to date in place: a daemon may be running from it.
build_environment() {
    say "setting up $environment with $installer and $python (first use, or pyproject.toml changed)"
    if [ -f "$environment/stamp" ] && [ -x "$environment/bin/python" ]; then
        rm -f "$environment/stamp"
    else
        rm -f "$environment/stamp"
        rm -rf "$environment"
        make_environment >&2 || fail "cannot make $environment" "see the lines above" \
            "remove that folder and run this again"
    fi
    install_distributions >&2 || fail "cannot install mobileops into $environment" \
        "$installer says so above; the first set-up downloads the dependencies" \
        "check the network and the package index that $installer is configured for, and run this again"
    fingerprint "$environment" >"$environment/stamp.new"
    mv -f "$environment/stamp.new" "$environment/stamp"
    say "ready"
}

interrupted() {
    say "set-up interrupted; the next run starts it over"
    trap - "$1"
    kill -s "$1" $$
}

set_up() {
    trap 'interrupted INT' INT
    trap 'interrupted TERM' TERM
    trap 'interrupted HUP' HUP
    choose_python
    take_lock
    is_complete "$environment" || build_environment
    exec 9>&-
    trap - INT TERM HUP
}

# Not the console script: start.py has Ctrl-C do no harm a moment earlier.
exec_mobileops() {
    exec "$environment/bin/python" -S "$checkout/toolchain/start.py" "$@"
}

checkout=$(CDPATH='' cd -- "$root" && pwd -P) || exit 4
writable=$checkout
environment=$checkout/.mobileops-venv
if ! may_build_in "$checkout"; then
    writable=$(cache_folder)
    # Someone who may write to the checkout has perhaps set it up already, and then it serves everyone.
    is_complete "$environment" || environment=$writable/.mobileops-venv
fi
is_complete "$environment" || set_up
