"""``mobileops report``: what is known about a plugin, in an archive that can be sent to somebody else."""

from __future__ import annotations

import importlib
import io
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mobileops.cli.commands._manager import installed
from mobileops.cli.commands.audit import decisions
from mobileops.cli.console import Console
from mobileops.cli.parser import Parser
from mobileops.cli.verbs import BY_NAME
from mobileops.errors import MobileOpsError
from mobileops.runtime import __version__, logs
from mobileops.runtime.logs.reading import pieces_from_end
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.report import hiding, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from mobileops.runtime.home import Home
    from mobileops.runtime.receipts import Receipt

RECORDS: Final = 2000
_README: Final = """\
What is known about the plugin {name}, for whoever is to help with it.

plugin.json      its manifest
status.json      mobileops status {name} --detailed --json
config.json      mobileops config {name} --json
logs.jsonl       the last {records} records of its log
audit.jsonl      the last {records} decisions about its permissions
doctor.json      mobileops doctor --json
manager.log      the last words of the plugin manager itself
versions.txt     of MobileOps, Python and the system

Secret settings, and what looks like a credential, are replaced by [secret]. Paths, names of hosts and whatever else the
plugin wrote are not. Look through it before you send it.
"""


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="a new file (default: NAME-report-TIME.zip here)"
    )
    parser.json_option()
    parser.example("mobileops report my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Gather, hide secrets, and write."""
    home = console.home()
    receipt = installed(home, arguments.name)
    path = arguments.out or Path(f"{receipt.name}-report-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.zip")
    members = _members(home, receipt, console)
    write(path, members, hide=hiding(home))
    if arguments.json:
        console.json({"path": str(path.absolute()), "members": sorted(members)})
        return 0
    console.document(str(path))
    console.note(f"it holds {', '.join(sorted(members))}; look through it before you send it")
    return 0


def _members(home: Home, receipt: Receipt, console: Console) -> dict[str, str]:
    name = receipt.name
    return {
        "README.txt": _README.format(name=name, records=RECORDS),
        "plugin.json": (Receipts(home).folder(receipt) / "plugin.json").read_text(encoding="utf-8"),
        "status.json": _said(console, "status", name, "--detailed", "--json"),
        "config.json": _said(console, "config", name, "--json"),
        "doctor.json": _said(console, "doctor", "--json"),
        "logs.jsonl": _lines(logs.to_line(one) for one in logs.read(home, plugin=name, last=RECORDS)),
        "audit.jsonl": _lines(msgspec.json.encode(one).decode() for one in decisions(home, [name])[-RECORDS:]),
        "manager.log": next(pieces_from_end(home.logs / "daemon.log"), b"").decode("utf-8", "replace"),
        "versions.txt": f"mobileops {__version__}\npython {sys.version}\n{platform.platform()} {platform.machine()}\n",
    }


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _said(console: Console, word: str, *words: str) -> str:
    """Return what another verb prints; if it fails, how."""
    out = io.StringIO()
    verb = BY_NAME[word]
    parser = Parser(verb)
    module = importlib.import_module(verb.module)
    module.configure(parser)
    try:
        module.run(parser.parse(words), Console(console.stdin, out, io.StringIO(), console.environment))
    except MobileOpsError as error:
        return f"{error}\n"
    return out.getvalue()
