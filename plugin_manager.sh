#!/bin/sh
# The mobileops command line, from a checkout: ./plugin_manager.sh VERB … is mobileops VERB …
# The first use sets up a virtual environment; see toolchain/environment.sh.
set -eu

self=$0
[ ! -h "$self" ] || self=$(readlink -f -- "$self")
case $self in
*/*) root=${self%/*} ;;
*) root=. ;;
esac
. "$root/toolchain/environment.sh"

exec_mobileops "$@"
