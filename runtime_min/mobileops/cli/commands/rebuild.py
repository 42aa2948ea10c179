"""``mobileops rebuild``: does the source give the same bundle again, and if not, why?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.bundle import open_bundle
from mobileops.cli.commands._sources import find_bundle, find_source
from mobileops.errors import EXIT_DONE, EXIT_FAILURE
from mobileops.toolchain.pipeline import rebuilding

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

_SHOWN_MEMBERS = 10


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    parser.add_argument("source", nargs="?", help="folder or name; default: the source with the name of the bundle")
    parser.add_argument("--check", action="store_true", help="compare and leave nothing behind (the default)")
    parser.json_option()
    parser.example("mobileops rebuild --check dist/my-plugin-1.0.0.zip my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Rebuild and compare; exit 1 when the bytes differ."""
    here, home = Path.cwd(), console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=here)
    word = arguments.source
    if word is None:
        with open_bundle(bundle) as opened:
            word = opened.manifest.name
    rebuilt = rebuilding.rebuild(bundle, find_source(word, home, cwd=here))
    if arguments.json:
        console.json(rebuilt.to_dict())
    else:
        console.fields({"bundle": rebuilt.sha256, "rebuilt": rebuilt.rebuilt_sha256})
        _show(rebuilt.to_dict()["difference"], console)
    return EXIT_DONE if rebuilt.difference is None else EXIT_FAILURE


def _show(difference: dict[str, Any] | None, console: Console) -> None:
    if difference is None:
        console.print("identical: the source gives this bundle")
        return
    members = difference["members"]
    console.print(f"different: {len(members)} members, the first is {difference['member']}")
    if difference["offset"] is not None:
        console.print(f"  at byte {difference['offset']} ({difference['offset']:#x})")
        for label in ("before", "after"):
            console.print(f"  {label:>6}: {_hexdump(bytes.fromhex(difference[label]))}")
    console.print(f"likely cause: {difference['cause']}: {difference['why']}")
    if len(members) > 1:
        rest = f" and {len(members) - _SHOWN_MEMBERS} more" if len(members) > _SHOWN_MEMBERS else ""
        console.print(f"all that differ: {', '.join(members[:_SHOWN_MEMBERS])}{rest}")
    console.note(f"fix: {difference['fix']}")


def _hexdump(data: bytes) -> str:
    shown = "".join(letter if letter.isascii() and letter.isprintable() else "." for letter in data.decode("latin-1"))
    return f"{data.hex(' ')}  |{shown}|" if data else "(the file ends here)"
