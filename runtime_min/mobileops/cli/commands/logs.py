"""``mobileops logs``: show or search plugins' logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed
from mobileops.errors import UsageError
from mobileops.runtime import logs

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "words",
        nargs="*",
        default=[],
        metavar="WORD",
        help="NAME of one plugin; or: search TEXT, for all records that contain it",
    )
    parser.add_argument("-n", "--lines", type=int, default=200, help="only the last N records (default: 200; 0 = all)")
    parser.json_option()
    parser.example("mobileops logs search 'my-plugin'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print records, oldest first."""
    home = console.home()
    words = list(arguments.words)
    text = plugin = None
    if words[:1] == ["search"]:
        if len(words) < 2:  # noqa: PLR2004  the word and its text
            raise UsageError("'logs search' needs a text", code="MOP7006", fix="mobileops logs search TEXT")
        text = " ".join(words[1:])
    elif words:
        plugin = installed(home, words[0]).name
    records = sorted(logs.read(home, plugin=plugin, text=text), key=lambda record: record.time)
    for record in records[-arguments.lines :] if arguments.lines else records:
        if arguments.json:
            console.print(logs.to_line(record))
        else:
            fields = "".join(f" {key}={value}" for key, value in record.fields.items())
            console.print(f"{record.time} {record.plugin} {record.level:7} {record.source}: {record.message}{fields}")
    if not records:
        console.note("no records")
    return 0
