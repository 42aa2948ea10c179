"""One file that goes into a bundle, and reading it as it was when that was decided."""

from __future__ import annotations

import os
from typing import Final, NamedTuple, NoReturn

from mobileops.toolchain.pack.codes import PackCode, fail

_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Planned(NamedTuple):
    """One file that goes in.

    Attributes:
        name: of the member.
        path: where its content lies; empty when `content` is given.
        size: in bytes, when it was looked at; it may not change until it is packed.
        mode: 0o644 or 0o755.
        vendored: whether it comes from a locked wheel and not from the author.
        content: of a member that packing makes itself.
        allowed: whether its author wants it in although it holds a secret or is bytecode.
    """

    name: str
    path: str
    size: int
    mode: int
    vendored: bool = False
    content: bytes | None = None
    allowed: bool = False


def open_planned(planned: Planned) -> int:
    """Open the file of a plan without following a link that took its place meanwhile."""
    try:
        return os.open(planned.path, _OPEN_FLAGS)
    except OSError as error:
        what = f"{planned.name!r} cannot be read: {error.strerror}"
        fail(PackCode.UNREADABLE, what, where=planned.name, fix="make it readable, or use .pluginignore", cause=error)


def read_exactly(descriptor: int, planned: Planned, *, offset: int, length: int) -> bytes:
    """Return `length` bytes at `offset`; a file that has become shorter is an error."""
    try:
        content = os.pread(descriptor, length, offset)
        while len(content) < length and (more := os.pread(descriptor, length - len(content), offset + len(content))):
            content += more
    except OSError as error:
        what = f"{planned.name!r} cannot be read: {error.strerror}"
        fail(PackCode.UNREADABLE, what, where=planned.name, fix="make it readable, or use .pluginignore", cause=error)
    if len(content) != length:
        _fail_changed(planned)
    return content


def _fail_changed(planned: Planned) -> NoReturn:
    what = f"{planned.name!r} changed while it was packed"
    fail(PackCode.CHANGED, what, where=planned.name, fix="pack again when nothing writes to the folder")


def check_end(descriptor: int, planned: Planned) -> None:
    """Refuse a file that has become longer."""
    if os.pread(descriptor, 1, planned.size):
        _fail_changed(planned)
