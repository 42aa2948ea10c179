"""``mobileops logs``: show, search and follow plugins' logs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands import _records
from mobileops.cli.commands._manager import installed
from mobileops.cli.commands._times import moment
from mobileops.cli.layout import printable
from mobileops.errors import NotFoundError, UsageError
from mobileops.runtime import logs
from mobileops.runtime.logs.following import Follower
from mobileops.runtime.logs.query import LEVELS, Query
from mobileops.runtime.logs.reading import names, pieces_from_end

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home

FOLLOW_S: Final = 0.2
SEARCH: Final = "search"


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "words",
        nargs="*",
        default=[],
        metavar="[NAME] [search TEXT]",
        help="of one plugin; only records that contain a text, ignoring case",
    )
    parser.add_argument(
        "-n", "--lines", type=_count, default=200, help="only the last N records (default: 200; 0 = all)"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is written from now on")
    parser.add_argument("--level", type=str.upper, choices=LEVELS, help="only of this level and above")
    parser.add_argument("--since", metavar="TIME", help="only from then on: 10m, 2h, 3d, or 2026-01-31T12:00:00Z")
    parser.add_argument("--until", metavar="TIME", help="only before then")
    parser.add_argument(
        "--field", action="append", default=[], metavar="KEY=VALUE", help="only with this field; repeatable"
    )
    parser.add_argument("--daemon", action="store_true", help="what the plugin manager itself has printed")
    parser.json_option()
    parser.example("mobileops logs my-plugin --follow", "mobileops logs search timeout --level WARNING --since 2h")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print records, oldest first."""
    home = console.home()
    if arguments.daemon:
        return _daemon(home, arguments.lines, console)
    plugin, text = _subject(home, list(arguments.words))
    query = Query(
        text=text,
        level=arguments.level,
        since=moment(arguments.since, option="--since"),
        until=moment(arguments.until, option="--until"),
        fields=tuple(_field(word) for word in arguments.field),
    )
    last = arguments.lines or None
    if arguments.follow:
        with Follower(home, query, plugin=plugin) as follower:
            _print(logs.read(home, plugin=plugin, query=query, last=last, ends=follower.ends), arguments, console)
            while True:
                console.stdout.flush()
                time.sleep(FOLLOW_S)
                _print(follower.new(), arguments, console)
    if not _print(logs.read(home, plugin=plugin, query=query, last=last), arguments, console):
        console.note("no records")
    return 0


def _subject(home: Home, words: list[str]) -> tuple[str | None, str | None]:
    """Return the plugin and the text that are asked for; the log of a plugin that was removed can still be read."""
    plugin = text = None
    if words and words[0] != SEARCH:
        plugin = words.pop(0)
        if plugin not in names(home):
            plugin = installed(home, plugin).name
    if words:
        if words[0] != SEARCH or len(words) < 2:  # noqa: PLR2004  the word and its text
            raise UsageError("'logs search' needs a text", code="MOP7006", fix="mobileops logs [NAME] search TEXT")
        text = " ".join(words[1:])
    return plugin, text


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise UsageError(f"{text!r} is no number of records", code="MOP7003", fix="-n 200, or -n 0 for all of them")
    return int(text)


def _field(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign:
        raise UsageError(f"{word!r} is no field and value", code="MOP7003", fix=f"--field {name}=VALUE")
    return name, value


def _print(records: Iterable[logs.Record], arguments: argparse.Namespace, console: Console) -> bool:
    any_found = False
    for record in records:
        any_found = True
        if arguments.json:
            console.document(logs.to_line(record))
        else:
            console.print(_records.line(record))
    return any_found


def _daemon(home: Home, lines: int, console: Console) -> int:
    path = home.logs / "daemon.log"
    if not path.exists():
        raise NotFoundError(
            "the plugin manager has printed nothing",
            code="MOP5501",
            where=str(path),
            why="it prints only what nobody asked for, and not to a terminal or systemd",
            fix="journalctl -u mobileops, where systemd runs it",
        )
    text = next(pieces_from_end(path), b"").decode("utf-8", "replace").splitlines()
    for line in text[-lines:]:
        console.print(printable(line))
    return 0
