"""``mobileops list`` and ``mobileops status`` of all plugins, without what a command line usually needs.

Only these exact forms, alone, with ``--json``, or ``list`` with ``--quiet``; and only if everything is as it usually
is: in any other case the verb itself runs, and says the same or what is wrong. No argparse, typing, pathlib or msgspec:
their import would take longer than the answer. So the plugin manager is asked for one text of JSON, and the few bytes
around it are written and read by hand (`mobileops.runtime.channel.rpc` has the frames).
"""

from __future__ import annotations

import os
import sys

from mobileops.cli import layout
from mobileops.cli.remembered import root

TYPE_CHECKING = False  # see mobileops.cli.verbs
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

FORMS: Final = {
    ("list",): "",
    ("list", "--json"): "json",
    ("list", "-q"): "quiet",
    ("list", "--quiet"): "quiet",
    ("status",): "",
    ("status", "--json"): "json",
}
MAX_ANSWER_BYTES: Final = 64 << 20
MAX_RECEIPT_BYTES: Final = 1 << 20
NOT_RUNNING: Final = ["stopped", "the plugin manager does not run", None, None, None]
_CALL: Final = b"\x94\x00\x01\xa6glance\x81\xa5names\xdb"
"""An array of CALL, request 1, "glance", and a map from "names" to a long text (msgpack's specification)."""
_RESULT: Final = b"\x03\x01\xa0"
"""RESULT, request 1, no method; the array that they begin has four items or five."""
_LENGTH_BYTES: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_FIXED_TEXT: Final = range(0xA0, 0xC0)


def answer(words: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Print what was asked for and return the exit code; None if the verb has to do it.

    Args:
        words: the whole command line.
        environment: the process environment.
    """
    form = FORMS.get(tuple(words))
    if form is None:
        return None
    home = root(environment, uid=os.geteuid())
    try:
        receipts = _receipts(home)
        states = _states(home, [receipt["name"] for receipt in receipts]) if receipts else None
        if states is None:
            return None
        make = list_rows if words[0] == "list" else status_rows
        rows = make(receipts, states)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None  # the verb says what is wrong
    sys.stdout.write(_text(rows, form))
    sys.stdout.flush()
    return 0


def list_rows(receipts: Iterable[Mapping[str, Any]], states: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the rows of ``list``.

    Args:
        receipts: what is installed.
        states: plugin name -> state, cause, since, pid and version of its run.
    """
    return [
        {
            "name": receipt["name"],
            "version": receipt["version"],
            "state": states[receipt["name"]][0],
            "type": receipt["type"],
            "signer": receipt["signer"].get("identity") or receipt["signer"].get("key_hint"),
            "assurance": receipt["signer"]["assurance"],
        }
        for receipt in receipts
    ]


def status_rows(receipts: Iterable[Mapping[str, Any]], states: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the rows of ``status``; the arguments are those of `list_rows`."""
    rows = []
    for receipt in receipts:
        state, cause, since, pid, version = states[receipt["name"]]
        row = {"name": receipt["name"], "version": version or receipt["version"], "state": state}
        rows.append({**row, "cause": cause, "since": since, "pid": pid})
    return rows


def _text(rows: list[dict[str, Any]], form: str) -> str:
    if form == "json":
        import json  # noqa: PLC0415  imported already

        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    if form == "quiet":
        return "".join(f"{row['name']}\n" for row in rows)
    return table(rows)


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows, at least one, for standard output."""
    lines = [[name.upper() for name in rows[0]]]
    lines += [["-" if cell is None else str(cell) for cell in row.values()] for row in rows]
    return layout.table(lines, layout.width(sys.stdout))


def _receipts(home: str) -> list[dict[str, Any]]:
    """Return what is installed, by name; nothing while a change of the store is not finished."""
    import json  # noqa: PLC0415  --help must not pay for it

    if os.path.exists(f"{home}/journal.json"):  # noqa: PTH110  without pathlib
        return []
    found = []
    for name in sorted(os.listdir(f"{home}/store")):  # noqa: PTH208  likewise
        try:
            descriptor = os.open(f"{home}/store/{name}/current.json", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            found.append(json.loads(os.read(descriptor, MAX_RECEIPT_BYTES)))
        finally:
            os.close(descriptor)
    return found


def _states(home: str, names: list[str]) -> dict[str, list[Any]] | None:
    """Ask the plugin manager; None when it is another version's."""
    import json  # noqa: PLC0415  --help must not pay for it
    import socket  # noqa: PLC0415  likewise

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        folder = os.open(f"{home}/run", os.O_PATH | os.O_DIRECTORY)
        try:  # sun_path holds 108 bytes; a home may be deeper
            connection.connect(f"/proc/self/fd/{folder}/daemon.sock")
        except (FileNotFoundError, ConnectionRefusedError):
            return dict.fromkeys(names, NOT_RUNNING)
        finally:
            os.close(folder)
        wanted = "\n".join(names).encode()
        frame = _CALL + len(wanted).to_bytes(4, "big") + wanted
        connection.sendall(len(frame).to_bytes(4, "little") + frame)
        with connection.makefile("rb") as stream:
            size = int.from_bytes(stream.read(4), "little")
            frame = stream.read(size) if size <= MAX_ANSWER_BYTES else b""
    text = _text_in(frame)
    return None if text is None else json.loads(text)


def _text_in(frame: bytes) -> bytes | None:
    """Return the text that an answer holds; None when it holds something else."""
    begin = len(_RESULT) + 1
    if frame[:1] not in {b"\x94", b"\x95"} or frame[1:begin] != _RESULT:
        return None
    kind = frame[begin]
    digits = _LENGTH_BYTES.get(kind, 0)
    if not digits and kind not in _FIXED_TEXT:
        return None
    begin += 1 + digits
    size = int.from_bytes(frame[begin - digits : begin], "big") if digits else kind - _FIXED_TEXT.start
    return frame[begin : begin + size]
