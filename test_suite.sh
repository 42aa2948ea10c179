#!/bin/sh
# The tests of this checkout and of plugins; what CI runs is ./test_suite.sh without arguments.
set -eu

usage() {
    cat >&2 <<'END'
usage: ./test_suite.sh [all]            everything CI runs: the default sessions of noxfile.py
       ./test_suite.sh integration      the whole chain, driven through the command line
       ./test_suite.sh plugin NAME ...  the tests of one plugin (options are those of `mobileops test`)
       ./test_suite.sh plugins          the tests of every plugin in this folder, the plugins folder and examples/
END
    exit "$1"
}

case ${1-all} in
-h | --help) usage 0 ;;
all | integration | plugins) [ "$#" -le 1 ] || usage 2 ;;
plugin) [ "$#" -ge 2 ] || usage 2 ;;
*) usage 2 ;;
esac

self=$0
[ ! -h "$self" ] || self=$(readlink -f -- "$self")
case $self in
*/*) root=${self%/*} ;;
*) root=. ;;
esac
. "$root/toolchain/environment.sh"

run_sessions() {
    exec "$environment/bin/nox" --noxfile "$checkout/noxfile.py" --envdir "$writable/.nox" "$@"
}

# The plugins folder is where mobileops says it is.
plugins_folder() {
    "$environment/bin/python" -c 'import os
from mobileops.runtime.home import Home, default_root
print(Home(default_root(dict(os.environ), uid=os.geteuid())).sources)'
}

test_plugins() {
    here=$(pwd -P)
    sources=$(plugins_folder)
    set -- "$here"/*/plugin.json
    for folder in "$sources" "$checkout/examples"; do
        [ "$folder" = "$here" ] || set -- "$@" "$folder"/*/plugin.json
    done
    found=0
    failed=
    for manifest; do
        [ -f "$manifest" ] || continue
        folder=${manifest%/plugin.json}
        found=$((found + 1))
        say "testing $folder"
        "$environment/bin/mobileops" test "$folder" || failed="$failed
  $folder"
    done
    [ "$found" -gt 0 ] || fail "no plugin was found" \
        "a folder with a plugin.json was looked for in $here, $sources and $checkout/examples" \
        "change to the folder that holds your plugin folders"
    if [ -n "$failed" ]; then
        say "the tests of these plugins failed:$failed"
        exit 1
    fi
    [ "$found" -eq 1 ] && say "the tests of 1 plugin passed" || say "the tests of $found plugins passed"
}

case ${1-all} in
all) run_sessions ;;
integration) run_sessions --session integration ;;
plugin)
    shift
    exec_mobileops test "$@"
    ;;
plugins) test_plugins ;;
esac
