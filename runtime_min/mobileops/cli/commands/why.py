"""``mobileops why``: who asked for an installed plugin, and which others need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._manager import installed
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.store import dependents

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.receipts import Receipt


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example("mobileops why my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line for each reason, the whole chain of each."""
    home = console.home()
    receipt = installed(home, arguments.name)
    receipts = Receipts(home)
    needs = dependents.needs(receipts)
    known = {one.name: one for one in receipts.all()}
    needed_by = [_reason(one, receipt.name, needs, known) for one in sorted(needs) if receipt.name in needs[one]]
    if arguments.json:
        console.json({
            "name": receipt.name,
            "version": receipt.version,
            "requested": receipt.requested,
            "pinned": receipt.held,
            "needed_by": needed_by,
        })  # fmt: skip
        return 0
    console.print(f"{receipt.name} {receipt.version}" + (", pinned" if receipt.held else ""))
    if receipt.requested:
        console.print("  was asked for")
    for one in needed_by:
        console.print(f"  {' <- '.join(one['chain'])}: {one['name']} {one['version']} needs it {one['versions']}")
    if not receipt.requested and not needed_by:
        console.print(f"  nothing needs it any more: mobileops uninstall {receipt.name}")
    return 0


def _reason(
    who: str, name: str, needs: Mapping[str, Mapping[str, str]], known: Mapping[str, Receipt]
) -> dict[str, Any]:
    """Return who needs a plugin, and why that is there itself, up to one that was asked for."""
    chain = [name, who]
    while not known[chain[-1]].requested:
        above = [one for one in sorted(needs) if chain[-1] in needs[one] and one not in chain]
        if not above:
            break
        chain.append(above[0])
    return {"name": who, "version": known[who].version, "versions": needs[who][name], "chain": chain}
