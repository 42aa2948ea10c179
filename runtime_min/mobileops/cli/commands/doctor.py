"""``mobileops doctor``: what this host can enforce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.errors import EXIT_FAILURE
from mobileops.runtime.isolation.probe import probe

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.json_option()
    parser.example("mobileops doctor")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Try every mechanism for real and print the isolation level; exit 1 when plugins cannot be started here."""
    report = probe()
    if arguments.json:
        console.json(
            {
                "level": str(report.level),
                "mechanisms": [
                    {"name": m.name, "ok": m.ok, "detail": m.detail, "fix": m.fix} for m in report.mechanisms
                ],
            }
        )
    else:
        console.table(
            ("MECHANISM", "WORKS", "DETAIL"), [(m.name, "yes" if m.ok else "NO", m.detail) for m in report.mechanisms]
        )
        for mechanism in report.mechanisms:
            if not mechanism.ok:
                console.print(f"fix for {mechanism.name}: {mechanism.fix}")
        console.print(f"isolation level: {report.level}")
    return 0 if all(mechanism.ok for mechanism in report.mechanisms) else EXIT_FAILURE
