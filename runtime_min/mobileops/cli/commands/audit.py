"""``mobileops audit``: what was decided about plugins' permissions, one decision after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._manager import installed
from mobileops.cli.commands._times import moment
from mobileops.cli.layout import printable
from mobileops.errors import UsageError
from mobileops.runtime import audit
from mobileops.runtime.report import hiding

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", nargs="?")
    parser.add_argument("--denied", action="store_true", help="only what was denied")
    parser.add_argument("-n", "--lines", type=int, default=200, help="only the last N (default: 200; 0 = all)")
    parser.add_argument("--since", metavar="TIME", help="only from then on: 10m, 2h, 3d, or 2026-01-31T12:00:00Z")
    parser.add_argument("--until", metavar="TIME", help="only before then")
    parser.json_option()
    parser.example("mobileops audit my-plugin --denied --since 1d")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print decisions, oldest first."""
    home = console.home()
    if arguments.lines < 0:
        raise UsageError("-n is less than nothing", code="MOP7003", fix="-n 200, or -n 0 for all of them")
    since, until = moment(arguments.since, option="--since"), moment(arguments.until, option="--until")
    lines = [
        line
        for line in decisions(home, _names(home, arguments.name))
        if (not arguments.denied or line.get("verdict") == "denied")
        and (since is None or str(line.get("time")) >= since)
        and (until is None or str(line.get("time")) < until)
    ]
    hide = hiding(home)
    for line in lines[-arguments.lines :]:
        shown = {key: hide(value) if isinstance(value, str) else value for key, value in line.items()}
        if arguments.json:
            console.json_line(shown)
        else:
            console.print(printable(_text(shown)))
    if not lines:
        console.note("no decisions")
    return 0


def decisions(home: Home, names: list[str]) -> list[dict[str, Any]]:
    """Return what was decided about some plugins, by time."""
    return sorted(
        (line for name in names for line in audit.read(home.audit, name)), key=lambda line: str(line.get("time"))
    )


def _names(home: Home, name: str | None) -> list[str]:
    known = sorted({path.name.split(".", 1)[0] for path in home.audit.glob("*.jsonl*")})
    if name is None:
        return known
    return [name] if name in known else [installed(home, name).name]


def _text(line: dict[str, Any]) -> str:
    verdict = str(line.get("verdict"))
    by = f" by {line['permission']}" if line.get("permission") else ""
    name = f" ({line['name']})" if line.get("name") else ""
    return (
        f"{line.get('time')} {line.get('plugin')} {verdict:7} {line.get('operation')} {line.get('target')}{name}{by}: "
        f"{line.get('reason')}"
    )
