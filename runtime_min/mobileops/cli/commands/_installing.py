"""What ``install`` and ``upgrade`` share: choose, verify, show the plan, ask, commit."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mobileops.cli.commands._trust import decide, warn
from mobileops.cli.layout import printable
from mobileops.errors import EXIT_DONE, EXIT_REFUSED, MobileOpsError, RefusedError
from mobileops.runtime.installation import consent, offers, plan
from mobileops.runtime.installation.consent import Answer
from mobileops.runtime.installation.device import Device
from mobileops.runtime.installation.resolver import Installed, Resolver, Wish
from mobileops.runtime.store import Accepted, Store, staging

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.installation.offers import Built, Offers
    from mobileops.runtime.installation.plan import Step
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.repository.document import Candidate


def plan_options(parser: Parser) -> None:
    """Add what decides about a plan."""
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask before a plan that takes no permission")
    wider = parser.add_mutually_exclusive_group()
    wider.add_argument(
        "--accept-permissions", action="store_true", help="let new versions have permissions that the old had not"
    )
    wider.add_argument(
        "--keep-permissions", action="store_true", help="install new versions, and deny them what the old had not"
    )
    parser.json_option()


def open_built(home: Home, *, cwd: Path) -> Built:
    """Return the bundles that were built here."""
    return offers.Built([cwd, cwd / "dist", *sorted(home.sources.glob("*/dist")), *sorted(cwd.glob("*/dist"))])


def open_repositories(home: Home, console: Console) -> Offers | None:
    """Return the repositories of this host, None if there are none."""
    from mobileops.runtime.repository import configured  # noqa: PLC0415  a file needs no repository

    if not configured.load(home):
        return None
    from mobileops.cli.commands._repositories import open_sources  # noqa: PLC0415  tuf is optional

    return open_sources(home, console)


def open_offers(home: Home, console: Console, *, cwd: Path) -> Offers:
    """Return where plugins come from by name: the repositories of this host, else what was built here."""
    repositories, built = open_repositories(home, console), open_built(home, cwd=cwd)
    return built if repositories is None else offers.Several(repositories, built)


def resolver(home: Home, found: Offers) -> Resolver:
    """Return what chooses versions for this device, given what is installed."""
    store = Store(home)
    installed = {}
    for receipt in store.all():
        try:
            installed[receipt.name] = Installed(offers.of_receipt(store, receipt), receipt.held)
        except (MobileOpsError, OSError):  # damaged: installing it mends it
            continue
    return Resolver(found, installed, Device.here())


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants.

    Attributes:
        wishes: plugins, and in which versions.
        files: name -> the bundle that was named, for those that were.
        offers: where the others come from.
    """

    wishes: tuple[Wish, ...]
    files: dict[str, Path]
    offers: Offers


def carry_out(order: Order, home: Home, arguments: argparse.Namespace, console: Console) -> int:
    """Choose, verify, show, ask, and install everything or nothing."""
    chosen = resolver(home, order.offers).resolve(order.wishes)
    if not chosen:
        return _nothing(order, arguments, console)
    store = Store(home)
    with ExitStack() as stack:
        folder = stack.enter_context(staging.folder(home.staging))
        steps = [_staged(one, order, store, folder, stack, keep=len(chosen) == 1) for one in chosen]
        if not arguments.json:
            for line in plan.lines(steps):
                console.note(printable(line))
        answer = _answer(arguments, steps, console)
        wide = [step for step in steps if step.is_widening] if answer is Answer.NONE else []
        if arguments.dry_run:
            return _shown(steps, wide, arguments, console)
        if wide:
            raise consent.refusal(wide)
        receipts = store.commit([
            Accepted(step.staged, granted=consent.granted(step, answer), requested=step.requested)
            for step in steps
        ])  # fmt: skip
    warn(home, console)
    if arguments.json:
        console.json({**_facts(receipts[-1]), "plan": [step.to_dict() for step in steps], "changed": True})
        return EXIT_DONE
    for receipt in receipts:
        signer = receipt.signer
        by = signer.get("identity") or signer.get("key_hint")
        console.print(f"installed {receipt.name} {receipt.version}, signed by {by} ({signer['assurance']})")
        if receipt.granted is not None:
            console.note(f"{receipt.name} has no more permissions than before; the others are denied")
    console.note(_next(home, receipts[-1].name, was_installed=steps[-1].staged.before is not None))
    return EXIT_DONE


def _staged(one: Candidate, order: Order, store: Store, folder: Path, stack: ExitStack, *, keep: bool) -> Step:
    path = order.files.get(one.name)
    if path is None:
        path = order.offers.fetch(one.name, one.version, folder, platform=one.platform)
    home = store.home
    staged = stack.enter_context(
        store.staged(path, verify=lambda bundle, signature: decide(home, bundle, signature, keep=keep))
    )
    manifest = staged.verified.manifest
    found = (manifest.name, manifest.version, dict(manifest.plugin_dependencies))
    if found != (one.name, one.version, one.plugin_dependencies):
        raise RefusedError(
            f"{path.name!r} holds {manifest.name} {manifest.version}, and not what {one.repository} says of it",
            code="MOP6044",
            where=str(path),
            why="what a plugin needs was resolved from what its origin says",
            fix="repeat the command; if it stays so, tell whoever runs the repository",
        )
    asked = any(wish.name == one.name for wish in order.wishes)
    return plan.step(store, staged, origin=str(path) if one.name in order.files else one.repository, requested=asked)


def _answer(arguments: argparse.Namespace, steps: Sequence[Step], console: Console) -> Answer:
    """Return what was said on the command line, else what a person at a terminal says."""
    if arguments.accept_permissions:
        return Answer.ACCEPT
    if arguments.keep_permissions:
        return Answer.KEEP
    if arguments.json or arguments.dry_run or not (console.stdin.isatty() and console.stderr.isatty()):
        return Answer.NONE
    if any(step.is_widening for step in steps):
        said = _ask(console, "allow what is marked + and !? [y]es, [k]eep what is allowed now, [N]o: ")
        return {"y": Answer.ACCEPT, "yes": Answer.ACCEPT, "k": Answer.KEEP, "keep": Answer.KEEP}.get(said, Answer.NONE)
    more = len(steps) > 1 or any(step.staged.before is None and step.declared for step in steps)
    if more and not arguments.yes and _ask(console, "install this? [Y/n]: ") not in {"", "y", "yes"}:
        raise RefusedError(
            "nothing was installed", code="MOP6046", why="you said no", fix="--dry-run only shows a plan"
        )
    return Answer.NONE


def _ask(console: Console, question: str) -> str:
    """Return the answer; the end of the input is a no: nobody has agreed to anything."""
    said = console.ask(question)
    return "no" if said is None else said.lower()


def _shown(steps: Sequence[Step], wide: Sequence[Step], arguments: argparse.Namespace, console: Console) -> int:
    if arguments.json:
        console.json({"plan": [step.to_dict() for step in steps], "changed": False})
    elif wide:
        console.note(f"this would stop: {consent.refusal(wide)}")
    return EXIT_REFUSED if wide else EXIT_DONE


def _nothing(order: Order, arguments: argparse.Namespace, console: Console) -> int:
    if arguments.json:
        console.json({"plan": [], "changed": False})
    else:
        console.print(f"{', '.join(wish.name for wish in order.wishes) or 'everything'}: nothing newer to install")
    return EXIT_DONE


def _facts(receipt: Receipt) -> dict[str, Any]:
    return {
        "installed": receipt.name,
        "version": receipt.version,
        "sha256": receipt.sha256,
        "signer": receipt.signer,
        "granted": None if receipt.granted is None else list(receipt.granted),
    }


def _next(home: Home, name: str, *, was_installed: bool) -> str:
    if was_installed and not _is_at_rest(home, name):
        return f"{name} still runs as it was; to switch without losing a call: mobileops reload {name}"
    return f"next: mobileops start {name}"


def _is_at_rest(home: Home, name: str) -> bool:
    from mobileops.cli.commands._manager import states  # noqa: PLC0415  what was not installed cannot run

    return states(home, [name])[name]["state"] in {"stopped", "failed", "quarantined"}
