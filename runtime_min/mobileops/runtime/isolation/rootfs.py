"""What the zygote's file system contains, and nothing else.

::

    /usr  (ro)   /lib* /bin /sbin (links as on the host, or ro)   <Python prefix> (ro, when it is not below /usr)
    /rt          msgspec and the runtime's own packages (ro): errors, manifest, plugin, runtime
    /st/plugins  every installed plugin (ro)        /st/data  every plugin's directory (rw); both covered in a plugin
    /etc         ld.so.cache localtime ssl/ (copies and certificates), generated hosts nsswitch.conf resolv.conf
    /dev         null zero full random urandom, links fd stdin stdout stderr
    /app /data /tmp /dev/shm /proc    empty, for the mounts of each plugin

Packages that happen to be installed on the host (site-packages and dist-packages) are covered: a plugin imports what it
declared or it fails everywhere.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import mounts, netns

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNTIME_DIRECTORY: Final = "/rt"
PLUGINS_DIRECTORY: Final = "/st/plugins"
DATA_DIRECTORY: Final = "/st/data"
STORE_DIRECTORY: Final = "/st"
#: Where the tree is built. It exists everywhere, and hiding it there hurts nobody in a private mount namespace.
BUILD_DIRECTORY: Final = "/tmp"  # noqa: S108 (a mount point, no file is made in the host's /tmp)

_ROOT_BYTES: Final = 16 * 1024 * 1024
_COPY_LIMIT_BYTES: Final = 4 * 1024 * 1024
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS: Final = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
_TOP_LEVEL: Final = ("lib", "lib32", "lib64", "libx32", "bin", "sbin")
_COPIES: Final = ("/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf")
_CERTIFICATES: Final = ("/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted")
#: Files that are the same in every sandbox: names are resolved by the network broker or not at all.
GENERATED: Final = {
    "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/resolv.conf": netns.RESOLVER_CONFIGURATION,
}
_EMPTY: Final = ("/app", "/data", "/tmp", "/dev/shm", "/proc", "/empty")  # noqa: S108 (inside the sandbox)
_READ_ONLY: Final = mounts.RDONLY | mounts.NOSUID | mounts.NODEV


class RootContents(NamedTuple):
    """The host paths that the zygote's file system is made of.

    Attributes:
        prefix: the Python installation (``sys.base_prefix``).
        packages: (path below /rt, host path) of each package or module of the runtime.
        plugins: the store's directory of installed plugins.
        data: the store's directory with one subdirectory per plugin.
    """

    prefix: str
    packages: list[tuple[str, str]]
    plugins: str
    data: str


class _Bind(NamedTuple):
    source: str
    inside: str
    attributes: int


def build(contents: RootContents) -> None:
    """Build the tree at `BUILD_DIRECTORY`; the caller is in a private mount namespace of its own.

    Raises:
        OSError: a part is missing or cannot be mounted.
        IsolationRefused: the Python prefix would take the whole host or the store along (MOP4003).
    """
    check_prefix(contents)
    trees = [_detached(bind) for bind in _binds(contents)]
    mounts.mount_tmpfs(BUILD_DIRECTORY, size_bytes=_ROOT_BYTES, mode=0o755)
    root = os.open(BUILD_DIRECTORY, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for inside in _EMPTY:
        os.close(mounts.mount_point(root, inside, directory=True))
    for tree, inside in trees:
        target = mounts.mount_point(root, inside, directory=stat.S_ISDIR(os.fstat(tree).st_mode))
        mounts.attach(tree, target)
        os.close(target)
        os.close(tree)
    _write_files(root)
    _link(root)
    _cover_host_packages(root, contents.prefix)
    mounts.set_attributes(root, _READ_ONLY | mounts.NOEXEC, recursive=False)
    os.close(root)


def check_prefix(contents: RootContents) -> None:
    """Refuse a Python prefix that has the store below it: binding it would show every plugin's data to every plugin."""
    prefix = contents.prefix.rstrip("/") + "/"
    for path in (contents.plugins, contents.data, "/usr/lib"):
        if path.startswith(prefix) and prefix != "/usr/":
            raise IsolationRefused(
                f"the Python installation {contents.prefix!r} contains {path!r}",
                code="MOP4003",
                why="the installation is visible to every plugin, the store must not be",
                fix="use a Python installed in a directory of its own, or move MOBILEOPS_HOME",
            )


def is_own_directory(path: str) -> bool:
    """Whether this top-level directory is one, and not a link into /usr as on a merged-usr system."""
    return Path(path).is_dir() and not Path(path).is_symlink()


def _binds(contents: RootContents) -> Iterator[_Bind]:
    yield _Bind("/usr", "/usr", _READ_ONLY)
    if not f"{contents.prefix}/".startswith("/usr/"):
        yield _Bind(contents.prefix, contents.prefix, _READ_ONLY)
    for name in _TOP_LEVEL:
        if is_own_directory(f"/{name}"):
            yield _Bind(f"/{name}", f"/{name}", _READ_ONLY)
    for path in _CERTIFICATES:
        if Path(path).is_dir():
            yield _Bind(path, path, _READ_ONLY)
    for name in _DEVICES:
        yield _Bind(f"/dev/{name}", f"/dev/{name}", mounts.RDONLY | mounts.NOSUID | mounts.NOEXEC)
    for inside, source in contents.packages:
        yield _Bind(source, f"{RUNTIME_DIRECTORY}/{inside}", _READ_ONLY)
    yield _Bind(contents.plugins, PLUGINS_DIRECTORY, _READ_ONLY)
    yield _Bind(contents.data, DATA_DIRECTORY, mounts.NOSUID | mounts.NODEV)


def _detached(bind: _Bind) -> tuple[int, str]:
    return mounts.clone_tree(bind.source, attributes=bind.attributes), bind.inside


def _write_files(root: int) -> None:
    files = dict(GENERATED)
    for path in _COPIES:
        if Path(path).is_file():
            with Path(path).open("rb") as stream:
                files[path] = stream.read(_COPY_LIMIT_BYTES)
    for path, content in files.items():
        target = mounts.mount_point(root, path, directory=False)
        Path(f"/proc/self/fd/{target}").write_bytes(content)
        os.close(target)


def _link(root: int) -> None:
    for name in _TOP_LEVEL:
        if Path(f"/{name}").is_symlink():
            os.symlink(Path(f"/{name}").readlink(), name, dir_fd=root)
    for name, suffix in _DEVICE_LINKS.items():
        os.symlink(f"/proc/self/fd{suffix}", f"dev/{name}", dir_fd=root)


def _cover_host_packages(root: int, prefix: str) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (
        f"{prefix}/lib/{version}/site-packages",
        "/usr/lib/python3/dist-packages",
        f"/usr/local/lib/{version}/site-packages",
        f"/usr/local/lib/{version}/dist-packages",
    ):
        try:
            target = mounts.open_beneath(BUILD_DIRECTORY, path.lstrip("/"))
        except FileNotFoundError:
            continue
        empty = mounts.clone_tree("empty", directory=root, attributes=_READ_ONLY)
        mounts.attach(empty, target)
        os.close(empty)
        os.close(target)
