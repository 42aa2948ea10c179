"""``mobileops uninstall``: show what would go, and remove all of it or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed, states
from mobileops.cli.layout import printable
from mobileops.errors import EXIT_DONE, PluginError, RefusedError
from mobileops.runtime.installation import removal
from mobileops.runtime.store import Store, dependents, occupancy, removing

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.errors import MobileOpsError
    from mobileops.runtime.home import Home
    from mobileops.runtime.installation.removal import Removal


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument(
        "--purge", action="store_true", help="remove its data, settings, logs and the pinned signer too"
    )
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--cascade", action="store_true", help="remove the plugins that need it too")
    others.add_argument(
        "--force", action="store_true", help="remove it although others need it; they cannot be started without it"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would go and change nothing")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask before data or other plugins go")
    parser.json_option()
    parser.example("mobileops uninstall my-plugin --cascade --dry-run")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Remove plugins that do not run; their data stay unless --purge."""
    home = console.home()
    store = Store(home)
    name = installed(home, arguments.name).name
    plan = removal.plan(store, name, cascade=arguments.cascade, purge=arguments.purge)
    names = [one.receipt.name for one in plan]
    if arguments.dry_run:
        return _shown(store, plan, arguments, console)
    _refuse(store, names, arguments)  # before the plan: nobody reads or confirms what cannot be done
    _tell(plan, arguments, console)
    _ask(plan, arguments, console)
    unneeded = dependents.unneeded(store, names)
    with occupancy.removing(home, names):
        _refuse_running(home, names)  # again: somebody may have started one since
        removed = store.uninstall(*names, purge=arguments.purge, force=arguments.force)
    if arguments.json:
        console.json({"plan": [one.to_dict() for one in plan], "changed": True, "unneeded": unneeded})
        return EXIT_DONE
    for receipt in removed:
        console.print(f"removed {receipt.name} {receipt.version}")
    if unneeded:
        console.note(f"nothing needs these any more: {', '.join(unneeded)}")
    return EXIT_DONE


def _shown(store: Store, plan: Sequence[Removal], arguments: argparse.Namespace, console: Console) -> int:
    """Show what would happen; the exit code is that of doing it, as far as anybody can tell before."""
    refusal: MobileOpsError | None = None
    names = [one.receipt.name for one in plan]
    _tell(plan, arguments, console)
    try:
        _refuse(store, names, arguments)
    except (RefusedError, PluginError) as error:
        refusal = error
    if arguments.json:
        unneeded = dependents.unneeded(store, names)
        console.json({"plan": [one.to_dict() for one in plan], "changed": False, "unneeded": unneeded})
    elif refusal is not None:
        console.note(f"this would stop: {refusal}")
    return EXIT_DONE if refusal is None else refusal.exit_code


def _tell(plan: Sequence[Removal], arguments: argparse.Namespace, console: Console) -> None:
    if not arguments.json:
        for line in removal.lines(plan):
            console.note(printable(line))


def _refuse(store: Store, names: Sequence[str], arguments: argparse.Namespace) -> None:
    """Make sure that nothing needs the plugins, unless that is forced, and that none of them runs."""
    if not arguments.force:
        removing.refuse_needed(store, names)
    _refuse_running(store.home, names)


def _ask(plan: Sequence[Removal], arguments: argparse.Namespace, console: Console) -> None:
    """Ask a person at a terminal before more goes than the one plugin."""
    is_terminal = console.stdin.isatty() and console.stderr.isatty()
    if arguments.yes or arguments.json or not is_terminal or (len(plan) == 1 and not arguments.purge):
        return
    if (console.ask("remove this? [y/N]: ") or "").lower() not in {"y", "yes"}:
        raise RefusedError("nothing was removed", code="MOP6046", why="you said no", fix="--dry-run only shows a plan")


def _refuse_running(home: Home, names: Sequence[str]) -> None:
    """Make sure that none of the plugins runs; whoever is `occupancy.removing` them can rely on it."""
    found = states(home, list(names))
    running = [name for name in names if found[name]["state"] not in {"stopped", "failed", "quarantined"}]
    if running:
        raise PluginError(
            f"{', '.join(map(repr, running))} {'is' if len(running) == 1 else 'are'} running",
            code="MOP6007",
            fix=" && ".join(f"mobileops stop {name}" for name in running),
        )
