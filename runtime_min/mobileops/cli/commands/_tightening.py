"""``mobileops permissions tighten``: record a plugin's tests in its sandbox, and narrow its permissions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.cli.layout import printable
from mobileops.errors import EXIT_DONE, EXIT_FAILURE
from mobileops.toolchain.diagnostics import repair
from mobileops.toolchain.tighten import propose

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.toolchain.tighten import Proposal


def tighten(arguments: argparse.Namespace, console: Console) -> int:
    """Print what becomes of each permission and the difference; exit 1 when less would do and nothing was written."""
    home = console.home()
    source = find_source(next(iter(arguments.plugins), None), home, cwd=Path.cwd())
    if not arguments.json:
        console.note(f"{source.name}: running its tests in its sandbox, recorded")
    found = propose(source, environment=console.environment, private=(home.root,))
    written = arguments.fix and not found.is_tight
    if written:
        repair.write(source, found.repair)
    if arguments.json:
        console.json(_plain(found, source, written=written))
    else:
        _print(found, source, console, written=written)
    return EXIT_DONE if found.is_tight or written else EXIT_FAILURE


def _plain(found: Proposal, source: Path, *, written: bool) -> dict[str, object]:
    return {
        "path": str(source),
        "tight": found.is_tight,
        "written": written,
        "tests": dict(found.counts),
        "permissions": [str(one) for one in found.permissions],
        "verdicts": [
            {
                "declared": str(verdict.declared),
                "outcome": verdict.outcome,
                "kept": [str(one) for one in verdict.kept],
                "evidence": [
                    {"permission": str(one.permission), "where": one.where, "what": one.what, "how": one.how}
                    for one in verdict.evidence
                ],
            }
            for verdict in found.verdicts
        ],
        "missing": [{"permission": str(one.forms[0]), "where": one.where, "what": one.what} for one in found.missing],
        "diff": found.repair.diff(),
    }


def _print(found: Proposal, source: Path, console: Console, *, written: bool) -> None:
    for verdict in found.verdicts:
        console.print(f"{verdict.outcome:8}  {verdict.declared}")
        for one in verdict.evidence:
            console.print(f"            {one.permission}  {printable(f'{one.where}: {one.what}')} ({one.how})")
        if not verdict.evidence:
            console.print("            no test used it, and no code was seen to need it")
    for act in found.missing:
        console.print(
            f"missing   {act.forms[0]}  {printable(f'{act.where}: {act.what}')} (recorded; not declared, not added)"
        )
    if found.is_tight:
        console.note(f"{source.name}: declares no more than it needs, as far as its tests and its code show")
        return
    console.print(found.repair.diff().rstrip("\n"))
    count = found.counts.get("passed", 0)
    tests = "its test passes with it" if count == 1 else f"its {count} tests pass with it"
    then = "written" if written else "--fix writes it"
    console.note(f"{source.name}: {tests}; {then}. What no test does may need more: read the reasons above")
