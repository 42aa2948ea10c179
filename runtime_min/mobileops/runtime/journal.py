"""Change several files of a home at once: after a crash all of them are changed, or none.

::

    write run/… and store/… that nothing refers to yet
    1. journal.json: what every file is from now on (temporary file, fsync, rename, fsync)      the commit point
    2. the files themselves, one after the other
    3. remove journal.json

Before 1 the old state holds, after it the new one: `read` looks into the journal first, so a reader that takes no lock
never sees half of a change. Each step of 2 can be done again without harm; whoever holds the lock and finds a journal
calls `finish`, before anything else.

Law: for every file, ``read`` returns what it was before ``commit``, or what ``commit`` was given, and for all files of
one commit the same of both, whenever the process is killed.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from mobileops.errors import HostFault
from mobileops.runtime import durable
from mobileops.runtime.bounded import read_regular

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mobileops.runtime.home import Home

NAME: Final = "journal.json"
MAX_JOURNAL_BYTES: Final = 64 << 20
"""Of all files of one change, in base64: `commit` writes none that could not be read again."""
_PUBLIC: Final = 0o644
_PRIVATE: Final = 0o600


class _Document(TypedDict, total=False):
    files: dict[str, bytes | None]
    trash: tuple[str, ...]


class Change(NamedTuple):
    """What a home is to become; paths are relative to it.

    Attributes:
        files: path -> new content, None to remove it.
        trash: files and folders to remove with everything in them.
    """

    files: Mapping[str, bytes | None] = MappingProxyType({})
    trash: tuple[str, ...] = ()


def read(home: Home, path: Path, *, limit: int) -> bytes:
    """Return a file's content, of at most ``limit`` bytes, as a change that is committed but not finished has it.

    Raises:
        FileNotFoundError: there is none.
        OSError: it is larger (``EFBIG``), is no regular file (``EINVAL``), or the disk refuses.
        HostFault: ``MOP6009``, the journal cannot be read.
    """
    files = _pending(home).files
    name = _name(home, path)
    if name not in files:
        return read_regular(path, limit=limit)
    content = files[name]
    if content is None:
        raise FileNotFoundError(path)
    return content


def pending_paths(home: Home) -> list[Path]:
    """Return the files that a committed but unfinished change makes or replaces."""
    return [home.root / name for name, content in _pending(home).files.items() if content is not None]


def commit(home: Home, files: dict[Path, bytes | None], *, trash: Collection[Path] = ()) -> None:
    """Change files and remove others, at once; the caller holds the lock, and has called `finish`.

    Once the journal stands, a disk that refuses the rest changes nothing about the outcome: `finish` does it later.

    Raises:
        OSError: the journal cannot be written, or is too large (``EFBIG``); nothing has changed.
    """
    import msgspec  # noqa: PLC0415  who only reads does without

    change = Change(
        {_name(home, path): content for path, content in files.items()}, tuple(_name(home, path) for path in trash)
    )
    place = home.root / NAME
    data = msgspec.json.encode(change._asdict())
    if len(data) > MAX_JOURNAL_BYTES:
        raise OSError(errno.EFBIG, f"a change of more than {MAX_JOURNAL_BYTES} bytes", str(place))
    try:
        durable.write(place, data)
    except BaseException:  # it may stand there although its folder could not be flushed
        with suppress(OSError):
            place.unlink()
        raise
    with suppress(OSError):
        _apply(home, change)


def finish(home: Home) -> bool:
    """Do the rest of a change that was interrupted; the caller holds the lock. Return whether there was one.

    Raises:
        OSError: the disk refuses.
        HostFault: ``MOP6009``, the journal cannot be read.
    """
    if not (home.root / NAME).exists():
        return False
    _apply(home, _pending(home))
    return True


def _apply(home: Home, change: Change) -> None:
    for name, content in change.files.items():
        path = home.root / name
        if content is None:
            path.unlink(missing_ok=True)
        else:
            durable.write(path, content, mode=_PUBLIC if path.is_relative_to(home.store) else _PRIVATE)
    import tempfile  # noqa: PLC0415  who only reads does without

    for name in change.trash:
        # One rename takes it out of sight; what is in staging is swept.
        with suppress(FileNotFoundError):
            (home.root / name).rename(Path(tempfile.mkdtemp(dir=home.staging, prefix="trash-")) / "trash")
    removed = [name for name, content in change.files.items() if content is None]
    for folder in {(home.root / name).parent for name in (*removed, *change.trash)}:
        with suppress(FileNotFoundError):  # without the journal nobody removes again what a power failure brings back
            durable.sync_folder(folder)
    (home.root / NAME).unlink()
    durable.sync_folder(home.root)


def _pending(home: Home) -> Change:
    place = home.root / NAME
    try:
        data = read_regular(place, limit=MAX_JOURNAL_BYTES)
    except FileNotFoundError:
        return Change()
    except OSError as error:
        raise _unreadable(place, error) from error
    import msgspec  # noqa: PLC0415  there is hardly ever anything to decode

    try:
        return Change(**msgspec.json.decode(data, type=_Document))
    except msgspec.DecodeError as error:
        raise _unreadable(place, error) from error


def _unreadable(place: Path, error: Exception) -> HostFault:
    return HostFault(
        f"the journal of the plugin manager's folder cannot be read: {error}",
        code="MOP6009",
        where=str(place),
        why="it says which of two states holds, so nothing is read or changed without it",
        fix="restore the file from a backup, or remove it and run: mobileops doctor --repair",
    )


def _name(home: Home, path: Path) -> str:
    return str(path.relative_to(home.root))
