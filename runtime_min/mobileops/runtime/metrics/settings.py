"""``metrics.json`` in the plugin manager's folder: where metrics are served, if anywhere.

::

    {"version": 1, "listen": "unix"}               run/metrics.sock, for this account
    {"version": 1, "listen": "127.0.0.1:9464"}     loopback, for every account of this host

Without the file, nowhere. Other machines are never served: what scrapes from afar goes through a proxy of its own.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from mobileops.errors import HostFault, UsageError
from mobileops.runtime import durable

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = 1
UNIX: Final = "unix"
MAX_BYTES: Final = 4096
MAX_PORT: Final = 65535


class Address(NamedTuple):
    """A loopback address.

    Attributes:
        host: an IP address.
        port: 1 to 65535.
    """

    host: str
    port: int


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    version: int
    listen: str


def load(path: Path) -> str | None:
    """Return where to serve; None is nowhere.

    Raises:
        HostFault: the file cannot be used (MOP5502).
    """
    try:
        with path.open("rb") as stream:
            document = msgspec.json.decode(stream.read(MAX_BYTES), type=_Document)
        if document.version != VERSION:
            raise _unusable(path, f"its version is {document.version}, not {VERSION}")
        if document.listen != UNIX:
            parse(document.listen)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UsageError) as error:
        raise _unusable(path, str(error).partition("\n")[0]) from error
    return document.listen


def save(path: Path, listen: str | None) -> None:
    """Write where to serve; None removes the file.

    Raises:
        UsageError: it is neither ``unix`` nor a loopback address (MOP5503).
        HostFault: the disk refused (MOP5502).
    """
    if listen not in {None, UNIX}:
        parse(str(listen))
    try:
        if listen is None:
            path.unlink(missing_ok=True)
        else:
            durable.write(path, msgspec.json.encode(_Document(VERSION, listen)))
    except OSError as error:
        raise _unusable(path, f"the disk refused: {error.strerror}") from error


def parse(text: str) -> Address:
    """Return the address of ``127.0.0.1:9464`` or ``[::1]:9464``.

    Raises:
        UsageError: it is no loopback address with a port (MOP5503).
    """
    host, _colon, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    if address is None or not address.is_loopback or not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        raise UsageError(
            f"metrics cannot be served at {text!r}",
            code="MOP5503",
            why="they are served on a unix socket or on loopback, never to other machines",
            fix="--listen unix, or --listen 127.0.0.1:9464",
        )
    return Address(str(address), int(port))


def _unusable(path: Path, why: str) -> HostFault:
    return HostFault(
        f"the settings of metrics cannot be used: {why}",
        code="MOP5502",
        where=str(path),
        fix="mobileops metrics --listen unix, or --listen off",
    )
