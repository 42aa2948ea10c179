#!/bin/sh
# Search the logs of all plugins, from a checkout.
set -eu

usage() {
    cat >&2 <<'END'
usage: ./system_log_collector.sh search TEXT [OPTION ...]

  search TEXT   print the log lines that contain TEXT; the options are those of `mobileops logs search`
END
    exit "$1"
}

case ${1-} in
-h | --help) usage 0 ;;
search) [ "$#" -ge 2 ] || usage 2 ;;
*) usage 2 ;;
esac

self=$0
[ ! -h "$self" ] || self=$(readlink -f -- "$self")
case $self in
*/*) root=${self%/*} ;;
*) root=. ;;
esac
. "$root/toolchain/environment.sh"

exec_mobileops logs "$@"
