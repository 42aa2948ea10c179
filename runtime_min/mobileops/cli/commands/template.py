"""``mobileops template update``: bring a plugin up to date with the template it was made from."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._sources import find_source
from mobileops.errors import EXIT_DONE, EXIT_FAILURE
from mobileops.toolchain import scaffold

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

ACTIONS: Final = ("update",)


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("action", choices=ACTIONS, help="merge what the template changed into the plugin's files")
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, as a diff; write nothing")
    parser.add_argument(
        "--markers",
        action="store_true",
        help="with conflicts, write all the same, with git's conflict markers; without it, nothing is written then",
    )
    parser.json_option()
    parser.example("mobileops template update my-plugin --dry-run")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Merge and say what changed; exit 1 when a person has to decide something."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    update = scaffold.plan(source)
    wanted = arguments.markers or not update.conflicts
    written = wanted and not arguments.dry_run and bool(update.changes or update.record)
    if written:
        scaffold.apply(update)
    if arguments.json:
        console.json(_report(update, written=written))
    else:
        _show(update, console, with_diff=arguments.dry_run)
        console.note(_summary(update, source.name, written=written))
    return EXIT_FAILURE if update.conflicts else EXIT_DONE


def _report(update: scaffold.Update, *, written: bool) -> dict[str, object]:
    return {
        "path": str(update.folder),
        "template": update.template,
        "written": written,
        "changes": [
            {"path": change.path, "action": change.action.value, "why": change.why or None} for change in update.changes
        ],
        "conflicts": [change.path for change in update.conflicts],
    }


def _show(update: scaffold.Update, console: Console, *, with_diff: bool) -> None:
    for change in update.changes:
        console.print(f"{change.action.value:8} {change.path}{f': {change.why}' if change.why else ''}")
    for change in update.changes if with_diff else ():
        before, after = ((text or b"").decode("utf-8", "replace") for text in (change.before, change.after))
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"a/{change.path}", f"b/{change.path}", lineterm=""
        )
        for line in lines:
            console.print(line)


def _summary(update: scaffold.Update, name: str, *, written: bool) -> str:
    if update.conflicts:
        files = ", ".join(change.path for change in update.conflicts)
        then = (
            "decide between the markers" if written else "nothing is written; --markers writes them for you to decide"
        )
        return f"{name}: conflicts in {files}; {then}"
    if not update.changes:
        return f"{name}: up to date with template {update.template!r}"
    count = f"{len(update.changes)} file{'s' if len(update.changes) > 1 else ''}"
    return f"{name}: {count} {'updated' if written else 'would change'}"
