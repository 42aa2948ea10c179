#!/bin/sh
# Unpack an arm64 Python and what it needs into a folder, for qemu-aarch64 -L: nothing is installed, no rights are needed.
# Usage: .ci/arm64_root.sh FOLDER
# The packages come from where this machine's own apt sources say (Debian has all architectures in one archive), or from
# the archive that ARM64_MIRROR names, where that one has none for arm64 (Ubuntu keeps them apart).
set -eu
folder=$1
apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/root"
: >"$apt/status"
set -- -q -y -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User= \
    -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 \
    -o Acquire::Languages=none -o Acquire::Retries=3
if [ -n "${ARM64_MIRROR-}" ]; then
    . /etc/os-release
    keys=/usr/share/keyrings/$ID-archive-keyring.gpg
    echo "deb [signed-by=$keys] $ARM64_MIRROR $VERSION_CODENAME main" >"$apt/sources.list"
    set -- "$@" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
fi
apt-get "$@" update
if ! apt-get "$@" install --download-only --no-install-recommends python3-minimal libpython3-stdlib; then
    echo "arm64_root.sh: where the apt sources have no arm64 packages, set ARM64_MIRROR to an archive that has them" >&2
    exit 1
fi
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$folder/root"
done
rm -rf "$apt"
