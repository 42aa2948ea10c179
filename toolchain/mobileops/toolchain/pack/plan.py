"""Decide what goes into a bundle before anything is read: the walk through a source folder.

The result depends on the names, sizes and execute bits of the files and on nothing else of the file system: not on the
order of its folders, on times, owners, links from outside or the umask.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.bundle.layout import MODE_EXECUTABLE, MODE_PLAIN, RESERVED_FOLDER, member_order
from mobileops.bundle.limits import MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_TOTAL_BYTES
from mobileops.bundle.names import NameSet
from mobileops.toolchain.leftovers import SCRIPT_LINKS, folder_reason
from mobileops.toolchain.pack import overrides
from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.include import file_reason, load_rules
from mobileops.toolchain.pack.planned import Planned
from mobileops.toolchain.pack.source_manifest import JSON_NAME, YAML_NAME, load_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.toolchain.pack.include import IgnoreRules

VENDOR_FOLDER: Final = "vendor"
LOCK_FILE: Final = "requirements.txt"
"""The locked dependencies, see `mobileops.toolchain.pack.requirements`."""
_RESERVED_FOLDERS: Final = frozenset({VENDOR_FOLDER, RESERVED_FOLDER.rstrip("/")})


class Plan(NamedTuple):
    """What goes in and what does not.

    Attributes:
        manifest: of the plugin.
        manifest_file: ``plugin.json`` or ``plugin.yaml``.
        files: in the order of the bundle; without the generated members and vendored dependencies.
        excluded: (name, reason), sorted; an excluded folder ends with a slash and stands for all below it.
        overrides: content of the record of overrides; None when there are none.
    """

    manifest: Manifest
    manifest_file: str
    files: tuple[Planned, ...]
    excluded: tuple[tuple[str, str], ...]
    overrides: bytes | None = None


def plan(source: Path, *, allow: Collection[str] = ()) -> Plan:
    """Return what packing the folder `source` would put into the bundle, and why not the rest.

    Args:
        source: folder with plugin.json or plugin.yaml.
        allow: names of files that go in although they hold a secret or are bytecode.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: ``MOP24xx``, naming the first file in sorted order that cannot be packed.
    """
    if not source.is_dir():
        fail(PackCode.NO_SOURCE, f"{str(source)!r} is not a folder", fix="name a plugin folder")
    manifest, manifest_file = load_manifest(source)
    walk = _Walk(load_rules(source), plugin=manifest.name, allow=allow)
    try:
        walk.folder(str(source), "")
    except OSError as error:
        what = f"{str(error.filename)!r} cannot be read: {error.strerror}"
        fail(PackCode.UNREADABLE, what, where=str(source), fix="make it readable, or remove it", cause=error)
    if manifest_file == YAML_NAME:
        walk.excluded.append((YAML_NAME, f"the bundle carries it as {JSON_NAME}"))
    files = sorted(walk.files, key=lambda planned: member_order(planned.name))
    check_limits(files)
    _check_named_files(manifest, {planned.name for planned in files})
    packed, record = overrides.apply(files, allow)
    return Plan(manifest, manifest_file, packed, tuple(sorted(walk.excluded)), record)


def plan_tree(root: Path, prefix: str, *, keep: Callable[[str], bool]) -> Iterator[Planned]:
    """Yield the files of the vendored tree `root` as members below `prefix`, by the same rules for names and types.

    Args:
        root: the folder.
        prefix: first part of the members' names.
        keep: says of a name relative to `root` whether it goes in.
    """
    names = NameSet()
    for folder, _, bases in os.walk(root):
        for base in bases:
            path = f"{folder}/{base}"
            relative = _utf8(os.path.relpath(path, root))
            if keep(relative):
                _check_name(names, f"{prefix}/{relative}")
                yield _planned(f"{prefix}/{relative}", path, os.lstat(path), vendored=True)


def check_limits(files: Iterable[Planned]) -> None:
    """Refuse what no reader would accept: too many files, or too large ones."""
    count = total = 0
    fix = "exclude files with .pluginignore, or fetch large data when the plugin runs"
    for planned in files:
        count += 1
        total += planned.size
        if planned.size > MAX_MEMBER_BYTES:
            what = f"{planned.name!r} has {planned.size} bytes, over {MAX_MEMBER_BYTES}"
            fail(PackCode.LIMIT, what, where=planned.name, fix=fix)
    # Room for plugin.json, the file table, the API description and the list of dependencies.
    if count > MAX_MEMBERS - 4 or total > MAX_TOTAL_BYTES - MAX_MEMBER_BYTES:
        fail(PackCode.LIMIT, f"{count} files with {total} bytes do not fit into a bundle", fix=fix)


class _Walk:
    """Collects the files below a folder, in sorted order."""

    def __init__(self, rules: IgnoreRules, *, plugin: str, allow: Collection[str]) -> None:
        self.files: list[Planned] = []
        self.excluded: list[tuple[str, str]] = []
        self._rules = rules
        self._plugin = plugin
        self._allow = allow
        self._names = NameSet()

    def folder(self, path: str, prefix: str) -> None:
        """Collect the content of `path`, whose members begin with `prefix`."""
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            name = f"{prefix}{_utf8(entry.name)}"
            if entry.is_dir(follow_symlinks=False):
                self._subfolder(name, entry.path)
            elif name not in {JSON_NAME, YAML_NAME}:
                self._file(name, entry)

    def _subfolder(self, name: str, path: str) -> None:
        reason = folder_reason(name, path)
        if reason is not None:
            self.excluded.append((f"{name}/", reason))
            return
        if name in _RESERVED_FOLDERS:
            fix = f"rename it; packing makes {name!r} itself (list Python packages in 'dependencies')"
            fail(PackCode.RESERVED, f"the source has a folder {name!r}", where=name, fix=fix)
        self.folder(path, f"{name}/")

    def _file(self, name: str, entry: os.DirEntry[str]) -> None:
        reason = file_reason(name, self._rules, plugin=self._plugin)
        if name in SCRIPT_LINKS and entry.is_symlink():
            reason = "link to a script of MobileOps"
        if reason is not None:
            self.excluded.append((name, reason))
            return
        _check_name(self._names, name)
        if name.endswith(overrides.BYTECODE_SUFFIXES) and name not in self._allow:
            fix = "delete it, and ship the source it was compiled from"
            fail(PackCode.BYTECODE, f"{name!r} is compiled Python", where=name, fix=fix)
        self.files.append(_planned(name, entry.path, entry.stat(follow_symlinks=False)))


def _utf8(name: str) -> str:
    """Return a name of the file system as UTF-8 spells it, whatever encoding the locale prescribes."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "surrogateescape")


def _check_name(names: NameSet, name: str) -> None:
    fault = names.add(name)
    if fault is not None:
        fix = "rename the file, or list it in .pluginignore"
        fail(
            PackCode.NAME,
            f"{name!a} cannot travel: {fault.what}",
            where=ascii(name)[1:-1],
            why=fault.code.meaning,
            fix=fix,
        )


def _planned(name: str, path: str, status: os.stat_result, *, vendored: bool = False) -> Planned:
    if stat.S_ISLNK(status.st_mode):
        fix = "replace it by the file it points to, or list it in .pluginignore"
        fail(PackCode.LINK, f"{name!r} is a symbolic link", where=name, fix=fix)
    if not stat.S_ISREG(status.st_mode):
        fail(PackCode.SPECIAL, f"{name!r} is not a regular file", where=name, fix="remove it, or use .pluginignore")
    mode = MODE_EXECUTABLE if status.st_mode & stat.S_IXUSR else MODE_PLAIN
    return Planned(name, path, status.st_size, mode, vendored)


def _check_named_files(manifest: Manifest, names: set[str]) -> None:
    wanted = {"entry_point": manifest.entry_point, **{f"hooks/{hook}": path for hook, path in manifest.hooks.items()}}
    for key, name in wanted.items():
        if name not in names:
            what = f"{key} names {name!r}, which does not go into the bundle"
            fail(PackCode.LEFT_OUT, what, where=f"{JSON_NAME}#/{key}", fix="add the file, or do not exclude it")
