"""``mobileops doctor``: what this host can enforce, and whether the store is in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.layout import printable
from mobileops.errors import EXIT_FAILURE, MobileOpsError
from mobileops.runtime.isolation import bare, cgroup_hierarchies
from mobileops.runtime.isolation.probe import probe
from mobileops.runtime.launching import control_groups, operator_settings
from mobileops.runtime.store import examination

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.isolation.probe import HostReport
    from mobileops.runtime.store.examination import Finding


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("--repair", action="store_true", help="mend what is wrong with the store")
    parser.json_option()
    parser.example("mobileops doctor --repair")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Try every mechanism for real, and look at every installed file.

    Exit 1 when plugins cannot be started here, or something is wrong with the store that was not mended.
    """
    home = console.home()
    path = home.isolation_settings
    settings = operator_settings.load(path)
    report = probe()
    hierarchies = cgroup_hierarchies.find()
    accepted = report.level == "FULL" or settings.min_isolation == "no-namespace"
    lacking = settings.require_cgroup and bool(hierarchies.missing)
    level = report.level if accepted and not lacking else "REFUSE"
    store = _repaired(home, console) if arguments.repair else [(one, False) for one in examination.examine(home)]
    if arguments.json:
        console.json(
            {
                "level": level,
                "possible": report.level,
                "mechanisms": [
                    {"name": m.name, "ok": m.ok, "detail": m.detail, "fix": m.fix} for m in report.mechanisms
                ],
                "limits": [
                    {"name": name, "ok": name not in hierarchies.missing, "detail": _limit(hierarchies, name)}
                    for name in cgroup_hierarchies.CONTROLLERS
                ],
                "not_enforced": list(bare.NOT_ENFORCED) if level == "NO-NAMESPACE" else [],
                "store": [
                    {
                        "what": one.what,
                        "where": one.where,
                        "fix": one.fix,
                        "mendable": one.mend is not None,
                        "mended": done,
                    }
                    for one, done in store
                ],
            }
        )
    else:
        _show(report, hierarchies, console)
        if lacking:
            console.print(f"'require_cgroup' in {path} asks for what is missing: {', '.join(hierarchies.missing)}")
        _advise(level, report, console, path)
        _show_store(store, console)
    return EXIT_FAILURE if level == "REFUSE" or not all(done for _one, done in store) else 0


def _repaired(home: Home, console: Console) -> list[tuple[Finding, bool]]:
    """Mend the store, and fetch again what cannot be made here; return each finding, and whether it is gone."""
    done = examination.repair(home)
    lost = {one.lost.name: one.lost for one, mended in done if not mended and one.lost is not None}
    if not lost:
        return done
    from mobileops.cli.commands._installing import open_offers  # noqa: PLC0415  a sound store needs none of these
    from mobileops.cli.commands._trust import decide  # noqa: PLC0415
    from mobileops.runtime.installation.mending import fetch_again  # noqa: PLC0415
    from mobileops.runtime.store import Store  # noqa: PLC0415

    store = Store(home)
    for receipt in lost.values():
        try:
            offers = open_offers(home, console, cwd=Path.cwd())
            fetch_again(store, receipt, offers, verify=lambda bundle, signature: decide(home, bundle, signature))
        except MobileOpsError as error:
            console.note(f"{receipt.name} was not fetched again: {printable(str(error))}")
        else:
            console.note(f"fetched {receipt.name} {receipt.version} again; if it runs: mobileops reload {receipt.name}")
    left = {(one.what, one.where) for one in examination.examine(home)}
    return [(one, mended or (one.what, one.where) not in left) for one, mended in done]


def _show_store(found: Sequence[tuple[Finding, bool]], console: Console) -> None:
    console.print(f"store: {'in order' if not found else f'{len(found)} things are wrong'}")
    for finding, done in found:
        console.print(f"  {printable(finding.where)}: {printable(finding.what)}")
        console.print(f"    {'mended' if done else 'fix'}: {finding.fix}")
    if any((one.mend or one.lost) and not done for one, done in found):
        console.note("mobileops doctor --repair mends this")


def _show(report: HostReport, hierarchies: cgroup_hierarchies.Hierarchies, console: Console) -> None:
    rows = [(one.name, "yes" if one.ok else "NO", one.detail) for one in report.mechanisms]
    rows += [
        (f"limit {name}", "no" if name in hierarchies.missing else "yes", _held_by(hierarchies, name))
        for name in cgroup_hierarchies.CONTROLLERS
    ]
    console.table(("MECHANISM", "WORKS", "DETAIL"), rows)
    for mechanism in report.mechanisms:
        if not mechanism.ok:
            console.wrapped(f"fix for {mechanism.name}: ", mechanism.fix)
    for why in dict.fromkeys(hierarchies.missing.values()):
        names = ", ".join(name for name, reason in hierarchies.missing.items() if reason == why)
        console.wrapped(f"no control group for {names}: ", why)
    if hierarchies.missing:
        console.wrapped("fix for limits: ", control_groups.FIX)


def _advise(level: str, report: HostReport, console: Console, path: Path) -> None:
    console.print(f"isolation level: {level}")
    if level == "NO-NAMESPACE":
        for gap in bare.NOT_ENFORCED:
            console.print(f"not enforced: {gap}")
    elif level == "REFUSE" and report.level == "NO-NAMESPACE":
        console.print(
            f'plugins without network could run here: {{"version": 1, "min_isolation": "no-namespace"}} in {path}'
        )


def _held_by(hierarchies: cgroup_hierarchies.Hierarchies, controller: str) -> str:
    """Say how plugins are held to a limit, in what a row of 80 columns has room for."""
    if controller not in hierarchies.missing:
        return f"control groups, version {hierarchies.version}"
    instead = {
        "memory": "of each process; all together measured every 50 ms",
        "pids": "a limit of the plugin's user namespace",
        "cpu": "measured; stopped for a moment beyond its share",
    }
    return instead[controller]


def _limit(hierarchies: cgroup_hierarchies.Hierarchies, controller: str) -> str:
    """Say how plugins are held to a limit, and why not by a control group."""
    held = _held_by(hierarchies, controller)
    return f"{held} ({hierarchies.missing[controller]})" if controller in hierarchies.missing else held
