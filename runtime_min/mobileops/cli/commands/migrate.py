"""``mobileops migrate``: bring a manifest to the newest format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.errors import EXIT_DONE, EXIT_FAILURE, ManifestError
from mobileops.toolchain import migrate

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument("--dry-run", action="store_true", help="print the diff; write nothing")
    parser.json_option()
    parser.example("mobileops migrate my-plugin --dry-run")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the diff and what a person may want to narrow; exit 1, writing nothing, when something is undecided."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    try:
        migrated = migrate.plan(source)
    except ManifestError as error:
        return _undecided(error, source.name, console, as_json=arguments.json)
    written = bool(migrated.applied) and not arguments.dry_run
    if written:
        migrate.write(migrated)
    if arguments.json:
        console.json(_report(migrated, written=written))
        return EXIT_DONE
    console.stdout.write(migrated.diff)
    for suggestion in migrated.suggestions if migrated.applied else ():
        console.note(f"consider: {suggestion}")
    console.note(f"{source.name}: {_summary(migrated, written=written)}")
    return EXIT_DONE


def _undecided(error: ManifestError, name: str, console: Console, *, as_json: bool) -> int:
    """Say what only the author can decide."""
    if as_json:
        console.json({"written": False, "undecided": [finding.to_dict() for finding in error.findings]})
    else:
        for finding in error.findings:
            console.print(str(finding))
        count = f"{len(error.findings)} thing{'s' if len(error.findings) > 1 else ''}"
        console.note(f"{name}: decide {count} first; nothing is written")
    return EXIT_FAILURE


def _report(migrated: migrate.Migrated, *, written: bool) -> dict[str, object]:
    return {
        "path": str(migrated.path),
        "written": written,
        "applied": [f"{step.source} -> {step.target}: {step.summary}" for step in migrated.applied],
        "suggestions": list(migrated.suggestions),
        "diff": migrated.diff,
        "undecided": [],
    }


def _summary(migrated: migrate.Migrated, *, written: bool) -> str:
    if not migrated.applied:
        return "at the newest format"
    steps = ", ".join(f"{step.source} to {step.target}" for step in migrated.applied)
    return f"{'migrated' if written else 'would migrate'} from format {steps}"
