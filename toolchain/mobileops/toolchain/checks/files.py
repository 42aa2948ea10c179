"""Read files of a folder that somebody else filled: bounded, never through a link, never waiting for a pipe.

A file that cannot be read is a value here, `Unreadable`, because to a rule it is a finding and not a failure.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES: Final = 1 << 20  # of one source file; larger ones are generated, and no entry point is

_PIECE_BYTES: Final = 64 << 10
_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Unreadable(NamedTuple):
    """A file that cannot be read as part of a plugin.

    Attributes:
        reason: a predicate that fits behind the file's name, such as ``does not exist``.
    """

    reason: str


def read_bytes(folder: Path, name: str) -> bytes | Unreadable:
    """Return the content of one regular file of a folder.

    Args:
        folder: the plugin's folder.
        name: path relative to it. One that leaves the folder or passes through a link is not followed.

    Returns:
        At most `MAX_FILE_BYTES`; a larger file counts as unreadable.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or ".." in parts or name.startswith("/") or not _is_expressible(name):
        return Unreadable("is not inside the plugin's folder")
    try:
        content = _obstacle(str(folder), parts) or _read_regular(f"{folder}/{name}")
    except FileNotFoundError:
        return Unreadable("does not exist")
    except OSError as error:
        return Unreadable(f"cannot be read: {error.strerror}")
    if isinstance(content, bytes) and len(content) > MAX_FILE_BYTES:
        return Unreadable(f"is larger than {MAX_FILE_BYTES} bytes")
    return content


def read_text(folder: Path, name: str) -> str | Unreadable:
    """Return the content of one regular file of a folder as UTF-8 text; else like `read_bytes`."""
    content = read_bytes(folder, name)
    if isinstance(content, Unreadable):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Unreadable(f"is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}")


def exists(folder: Path, name: str) -> bool:
    """Whether there is anything of that name, even a dangling link."""
    return os.path.lexists(folder / name)


def _is_expressible(name: str) -> bool:
    """Whether the operating system can express a name (no NUL, no lone surrogates)."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _obstacle(folder: str, parts: list[str]) -> Unreadable | None:
    """Return what on the way to a file is neither file nor folder; a device would act on being opened."""
    path = folder  # no Path objects: this runs for every file of a plugin
    for part in parts:
        path = f"{path}/{part}"
        mode = os.lstat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return Unreadable(f"is, or is behind, {_kind(mode)}")
    return None


def _read_regular(path: str) -> bytes | Unreadable:
    """Return up to one byte more than the limit."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Unreadable(f"is {_kind(status.st_mode)}, not a file")
        left = MAX_FILE_BYTES + 1
        content = piece = os.read(descriptor, min(status.st_size + 1, left))  # mostly, this is all of it
        while piece and len(content) < left:
            piece = os.read(descriptor, min(left - len(content), _PIECE_BYTES))
            content += piece
        return content
    finally:
        os.close(descriptor)


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")
