"""``mobileops validate``: report every finding of a plugin's source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.toolchain.checks import check_source

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.json_option()
    parser.example("mobileops validate my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print all findings; exit 1 when one of them is an error."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    findings = check_source(source)
    errors = sum(finding.severity == "error" for finding in findings)
    if arguments.json:
        console.json([finding.to_dict() for finding in findings])
    else:
        for finding in findings:
            console.print(str(finding))
        console.note(
            f"{source.name}: {errors} errors, {len(findings) - errors} warnings"
            if findings
            else f"{source.name}: valid"
        )
    return 1 if errors else 0
