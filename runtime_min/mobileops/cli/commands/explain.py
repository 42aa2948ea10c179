"""``mobileops explain``: say what a code means, offline."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mobileops.toolchain.diagnostics import catalogue

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("code", nargs="?", help="like MOP1009, mop1009 or 1009; default: list all codes")
    parser.json_option()
    parser.example("mobileops explain MOP1009")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one explanation, or the list of all codes."""
    if arguments.code is None:
        _list(arguments, console)
        return 0
    entry = catalogue.explain(arguments.code)
    if arguments.json:
        console.json(dataclasses.asdict(entry))
        return 0
    console.print(f"{entry.code} ({entry.severity}): {entry.title}")
    console.print(f"  why: {entry.why}")
    console.print(f"  fix: {entry.fix}")
    for label, example in (("before", entry.before), ("after", entry.after)):
        if example:
            console.print(f"  {label}:")
            for line in example.splitlines():
                console.print(f"    {line}")
    return 0


def _list(arguments: argparse.Namespace, console: Console) -> None:
    """Print every code with its title."""
    entries = catalogue.entries().values()
    if arguments.json:
        console.json([{"code": entry.code, "severity": entry.severity, "title": entry.title} for entry in entries])
    else:
        for entry in entries:
            console.print(f"{entry.code}  {entry.title}")
