"""``mobileops assets``: models and other large files that plugins may read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import NotFoundError, UsageError
from mobileops.runtime.platform.assets import Assets

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.platform.assets import Stored

ACTIONS: Final = ("add", "list", "remove")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("action", choices=ACTIONS, help="copy a file into the store; list what is there; remove one")
    parser.add_argument("name", nargs="?", help="the asset's name, for add and remove")
    parser.add_argument("file", nargs="?", type=Path, help="the file to add; it is copied")
    parser.add_argument("--digest", metavar="sha256:HEX", help="with add: refuse a file with another content")
    parser.json_option()
    parser.example(
        "mobileops assets add sentiment-analysis model.onnx --digest sha256:9f86…",
        "mobileops assets list",
        "mobileops assets remove sentiment-analysis",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one of the three."""
    given = [word for word in ("name", "file") if getattr(arguments, word) is not None]
    wanted = {"add": ["name", "file"], "remove": ["name"], "list": []}[arguments.action]
    if given != wanted or (arguments.digest and arguments.action != "add"):
        raise UsageError(
            f"'assets {arguments.action}' takes {' and '.join(map(str.upper, wanted)) or 'no name'}",
            code="MOP7003",
            fix="mobileops assets --help",
        )
    store = Assets(console.home())
    if arguments.action == "list":
        _show([_facts(stored) for stored in store.all()], arguments, console)
        return 0
    stored = _add(store, arguments) if arguments.action == "add" else _remove(store, arguments.name)
    if arguments.json:
        console.json(_facts(stored))
    else:
        done = "Added" if arguments.action == "add" else "Removed"
        console.print(f"{done} {stored.name} sha256:{stored.entry.sha256} {stored.entry.size} bytes")
    return 0


def _add(store: Assets, arguments: argparse.Namespace) -> Stored:
    try:
        with arguments.file.open("rb") as source:
            return store.add(arguments.name, source, digest=arguments.digest)
    except OSError as error:
        raise NotFoundError(
            f"{str(arguments.file)!r} cannot be added: {error.strerror}",
            code="MOP5316",
            where=str(error.filename or arguments.file),
            fix="name a file that this account may read, and look whether the disk is full",
        ) from error


def _remove(store: Assets, name: str) -> Stored:
    try:
        return store.remove(name)
    except NotFoundError as error:
        error.fix = did_you_mean(name, [stored.name for stored in store.all()]) or "mobileops assets list"
        raise


def _show(rows: list[dict[str, str | int]], arguments: argparse.Namespace, console: Console) -> None:
    if arguments.json:
        console.json(rows)
    elif rows:
        console.table(("NAME", "SIZE", "ADDED", "DIGEST"), [[str(cell) for cell in row.values()] for row in rows])
    else:
        console.note("no assets; mobileops assets add NAME FILE stores one")


def _facts(stored: Stored) -> dict[str, str | int]:
    """Return what schema/cli/assets.v1.schema.json describes."""
    entry = stored.entry
    return {"name": stored.name, "size": entry.size, "added_at": entry.added_at, "digest": f"sha256:{entry.sha256}"}
