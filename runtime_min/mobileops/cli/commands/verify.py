"""``mobileops verify``: the trust decision, without installing."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._sources import find_bundle
from mobileops.cli.commands._trust import decide, warn
from mobileops.cli.remembered import INPUTS, SIGNATURE_SUFFIX
from mobileops.errors import BundleRefused, TrustRefused, UsageError
from mobileops.runtime.trust import Trail, anchors, load_policy, verify_installed
from mobileops.runtime.trust.verdicts import Question, Verdict, recall, remember

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.errors import RefusedError
    from mobileops.manifest import Manifest
    from mobileops.runtime.home import Home
    from mobileops.runtime.trust import Signer, VerifiedBundle


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    parser.add_argument("--explain", action="store_true", help="print each step: what was found, what is accepted")
    parser.add_argument(
        "--deep", action="store_true", help="verify the installed plugin of that name again, every file"
    )
    parser.json_option()
    parser.example("mobileops verify --explain my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print who signed what; a refusal is exit 3 with its own code."""
    home = console.home()
    trail = Trail()
    try:
        facts = _deep(arguments.bundle, home, trail) if arguments.deep else _bundle(arguments, console, home, trail)
    except (TrustRefused, BundleRefused) as error:
        _refused(error, arguments, console, trail)
        raise
    if facts is not None:
        _accepted(facts, arguments, console, trail)
        warn(home, console)
    return 0


def _bundle(arguments: argparse.Namespace, console: Console, home: Home, trail: Trail) -> dict[str, Any] | None:
    """Return the facts about a bundle, None if a remembered verdict has been printed."""
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    question = None if arguments.explain else _question(bundle, home)
    verdict = question and recall(str(home.verdicts), question)
    if verdict:
        console.stdout.write(verdict.json if arguments.json else verdict.report)
        for text in verdict.due():
            console.note(f"warning: {text}")
        return None
    with decide(home, bundle, trail=trail) as verified:
        facts = _facts(verified.signer, bundle=str(bundle), manifest=verified.manifest, sha256=verified.sha256)
        if question is not None:
            _remember(question, verified, facts, home=home, console=console)
    return facts


def _deep(name: str, home: Home, trail: Trail) -> dict[str, Any]:
    """Return the facts about an installed plugin whose every file was verified again."""
    if "/" in name:
        raise UsageError(
            f"--deep is about an installed plugin, and {name!r} is a path",
            code="MOP7003",
            fix="mobileops list shows what is installed; without --deep the bundle is verified",
        )
    from mobileops.cli.commands._manager import installed  # noqa: PLC0415  only this needs what is installed
    from mobileops.runtime.store import Store  # noqa: PLC0415  likewise

    receipt = installed(home, name)
    store = Store(home)
    contents = store.contents(receipt)
    signer = verify_installed(
        contents, policy=load_policy(home), pins=store.pins(), signature=store.signature(receipt), trail=trail
    )
    return _facts(signer, bundle=contents.where, manifest=contents.manifest, sha256=receipt.sha256)


def _facts(signer: Signer, *, bundle: str, manifest: Manifest, sha256: str) -> dict[str, Any]:
    """Return what schema/cli/verify.v1.schema.json describes, without steps."""
    named = {"outcome": "trusted", "bundle": bundle, "name": manifest.name, "version": str(manifest.version)}
    return {**named, "sha256": sha256, **signer.to_dict(), "cached": False}


def _question(bundle: Path, home: Home) -> Question | None:
    inputs = [str(home.root / name) for name in INPUTS]
    return Question.ask(str(bundle), inputs, signature=f"{bundle}{SIGNATURE_SUFFIX}")


def _remember(
    question: Question, verified: VerifiedBundle, facts: dict[str, Any], *, home: Home, console: Console
) -> None:
    """Keep the verdict, unless a file was exchanged between the question and the answer."""
    asked_again = _question(Path(question.parts[0]), home)
    if (
        asked_again is None
        or asked_again.parts != question.parts
        or not question.answered_by(verified.sha256, verified.signature)
    ):
        return
    again = {**facts, "cached": True}
    report = io.StringIO()
    console._replace(stdout=report).fields(_flat(again))
    verdict = Verdict(
        report.getvalue(),
        json.dumps(again, indent=2, ensure_ascii=False) + "\n",  # as `Console.json` writes it, whose import takes long
        anchors={path: digest or "absent" for path, digest in verified.anchors.items()},
        warnings=anchors.age_warnings(load_policy(home).rules),
    )
    remember(str(home.verdicts), question, verdict)


def _accepted(facts: dict[str, Any], arguments: argparse.Namespace, console: Console, trail: Trail) -> None:
    if arguments.json:
        console.json({**facts, "steps": [step.to_dict() for step in trail.steps]} if arguments.explain else facts)
        return
    if arguments.explain:
        _explain(console, trail)
    console.fields(_flat(facts))


def _refused(error: RefusedError, arguments: argparse.Namespace, console: Console, trail: Trail) -> None:
    """Report a refusal; the error itself is printed by whoever catches it."""
    outcome = error.outcome if isinstance(error, TrustRefused) else "invalid"
    if arguments.json:
        steps = {"steps": [step.to_dict() for step in trail.steps]} if arguments.explain else {}
        console.json({"outcome": outcome, "bundle": arguments.bundle, "refusal": error.to_dict(), **steps})
    else:
        if arguments.explain:
            _explain(console, trail)
        console.note(f"outcome: {outcome}")


def _explain(console: Console, trail: Trail) -> None:
    for step in trail.steps:
        console.print(f"{step.number} {step.title}: {f'REFUSED [{step.code}]' if step.code else 'passed'}")
        console.wrapped("    found:    ", step.found)
        console.wrapped("    accepted: ", step.accepted)


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts with one line for each claim, for people."""
    claims = facts.get("claims", {})
    lines = {key: value for key, value in facts.items() if key not in {"claims", "cached"}}
    return {**lines, **claims, "cached": "yes" if facts["cached"] else "no"}
