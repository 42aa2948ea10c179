"""``mobileops validate``: report every finding of a plugin's source, and repair what is safe to repair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.toolchain.diagnostics import diagnose

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

FORMATS = ("text", "json", "sarif", "junit", "github")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="text for people; json, sarif (2.1.0), junit (XML) or github (annotations) for programs",
    )
    parser.add_argument("--fix", action="store_true", help="correct what has one safe correction, and show the diff")
    parser.json_option()
    parser.example("mobileops validate my-plugin --fix")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print all findings; exit 1 when one of them is an error."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    form = arguments.format or ("json" if arguments.json else "text")
    if arguments.fix:
        _fix(source, console, for_people=form == "text")
    diagnostics = diagnose(source)
    errors = sum(found.is_error for found in diagnostics)
    if diagnostics or form not in {"text", "github"}:
        from mobileops.toolchain.diagnostics import formats  # noqa: PLC0415  a good plugin needs no text

        console.print(formats.render(diagnostics, form, name=source.name, base=_base(source)))
    if form == "text":
        warnings = len(diagnostics) - errors
        console.note(f"{source.name}: {errors} errors, {warnings} warnings" if diagnostics else f"{source.name}: valid")
    return 1 if errors else 0


def _fix(source: Path, console: Console, *, for_people: bool) -> None:
    """Write the corrected manifest and show the difference, beside the report if a program reads that."""
    from mobileops.toolchain.diagnostics import repair  # noqa: PLC0415  only this option needs it

    planned = repair.plan(source)
    if planned is None or planned.before == planned.after:
        console.note(f"{source.name}: nothing to fix")
        return
    repair.write(source, planned)
    show = console.print if for_people else console.note
    show(planned.diff().rstrip("\n"))
    console.note(f"{source.name}: {planned.name} corrected")


def _base(source: Path) -> str:
    """Return what makes a file name of the plugin one that can be opened from the current directory."""
    here = Path.cwd().resolve()
    if source == here:
        return ""
    shown = source.relative_to(here) if source.is_relative_to(here) else source
    return f"{shown.as_posix()}/"
