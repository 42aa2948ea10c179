"""``mobileops explain``: say what a code, a key of plugin.json or a permission means, offline."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.diagnostics import catalogue

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.toolchain.diagnostics.topics import Topic

_CODE: Final = re.compile(r"(?:mop)?[0-9]+", re.IGNORECASE)


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "subject",
        nargs="?",
        metavar="CODE|KEY",
        help="a code (MOP1009, mop1009, 1009), a key (hooks.pre_start) or a permission; default: list all",
    )
    parser.json_option()
    parser.example("mobileops explain MOP1009")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one explanation, or the list of all codes."""
    if arguments.subject is None:
        _list(arguments, console)
        return 0
    if not _CODE.fullmatch(arguments.subject.strip()):
        from mobileops.toolchain.diagnostics import topics  # noqa: PLC0415  a code needs no schema

        _topic(topics.explain(arguments.subject), arguments, console)
        return 0
    entry = catalogue.explain(arguments.subject)
    if arguments.json:
        console.json(dataclasses.asdict(entry))
        return 0
    console.print(f"{entry.code} ({entry.severity}): {entry.title}")
    console.prose(f"  why: {entry.why}")
    console.prose(f"  fix: {entry.fix}")
    for label, example in (("before", entry.before), ("after", entry.after)):
        if example:
            console.print(f"  {label}:")
            for line in example.splitlines():
                console.print(f"    {line}")
    return 0


def _topic(topic: Topic, arguments: argparse.Namespace, console: Console) -> None:
    """Print the explanation of a key or a permission."""
    if arguments.json:
        console.json(dataclasses.asdict(topic))
        return
    console.print(f"{topic.name} ({topic.kind})")
    console.prose(f"  {topic.summary}")
    for label, text in topic.facts:
        console.prose(f"  {label}: {text}")
    width = max((len(name) for name, _ in topic.members), default=0)
    for name, meaning in topic.members:
        console.prose(f"    {name:{width}}  {meaning}".rstrip())


def _list(arguments: argparse.Namespace, console: Console) -> None:
    """Print every code with its title, then every key and permission; for programs the codes alone."""
    entries = catalogue.entries().values()
    if arguments.json:
        console.json([{"code": entry.code, "severity": entry.severity, "title": entry.title} for entry in entries])
        return
    for entry in entries:
        console.prose(f"{entry.code}  {entry.title}")
    from mobileops.toolchain.diagnostics import topics  # noqa: PLC0415  as above

    for topic in topics.topics().values():
        console.prose(f"{topic.name}  {topic.summary}")
