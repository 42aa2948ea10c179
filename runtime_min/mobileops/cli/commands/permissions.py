"""``mobileops permissions``: what a plugin may do, what it did, and the least it needs."""

from __future__ import annotations

import dataclasses
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._subjects import find_subject
from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import EXIT_DONE, EXIT_FAILURE, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from mobileops.cli.commands._subjects import Subject
    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.permissions.explanation import Explanation
    from mobileops.runtime.permissions.statement import Section
    from mobileops.runtime.permissions.usage import Usage

#: Action -> how many words it wants behind it, at least and at most.
WORDS: Final = {"show": (0, 1), "explain": (0, 1), "diff": (2, 2), "audit": (1, 1), "tighten": (0, 1)}
_SIGNS: Final = {"added": "+", "widened": "+", "narrowed": "-", "removed": "-"}


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("action", metavar="ACTION", help="show, explain, diff, audit or tighten")
    parser.add_argument(
        "plugins",
        nargs="*",
        default=[],
        metavar="PLUGIN",
        help="source folder, bundle or installed name; default: here",
    )
    parser.add_argument("--fix", action="store_true", help="tighten: write the narrower permissions into the manifest")
    parser.json_option()
    parser.example(
        "mobileops permissions show my-plugin",
        "mobileops permissions explain my-plugin",
        "mobileops permissions diff my-plugin-1.0.0.zip my-plugin-1.1.0.zip",
        "mobileops permissions audit my-plugin",
        "mobileops permissions tighten my-plugin --fix",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do what the action says."""
    actions: dict[str, Callable[[argparse.Namespace, Console], int]] = {
        "show": _show,
        "explain": _explain,
        "diff": _diff,
        "audit": _audit,
        "tighten": _tighten,
    }
    action = actions.get(arguments.action)
    if action is None:
        raise UsageError(
            f"'mobileops permissions' has no action {arguments.action!r}",
            code="MOP4302",
            fix=did_you_mean(arguments.action, list(actions)) or f"write one of {', '.join(actions)}",
        )
    least, most = WORDS[arguments.action]
    if not least <= len(arguments.plugins) <= most:
        wanted = {(0, 1): "at most one plugin", (1, 1): "one name", (2, 2): "two plugins"}[least, most]
        raise UsageError(
            f"'permissions {arguments.action}' takes {wanted}, not {len(arguments.plugins)}",
            code="MOP4303",
            fix="mobileops permissions --help",
        )
    return action(arguments, console)


def _subject(word: str | None, console: Console) -> Subject:
    return find_subject(word, console.home(), cwd=Path.cwd())


def _show(arguments: argparse.Namespace, console: Console) -> int:
    """Print the declared permissions, each with the catalogue's line about it."""
    subject = _subject(next(iter(arguments.plugins), None), console)
    declared = subject.manifest.permissions
    if arguments.json:
        console.json(
            {
                **_head(subject),
                "permissions": [{"permission": str(one), "risk": one.risk, "title": one.title} for one in declared],
            }
        )
    elif declared:
        console.table(("PERMISSION", "RISK", "ALLOWS"), [(str(one), one.risk, one.title) for one in declared])
    else:
        console.note(f"{subject.manifest.name} declares no permission")
    return EXIT_DONE


def _explain(arguments: argparse.Namespace, console: Console) -> int:
    """Print what the plugin's sandbox lets it do, and what not."""
    from mobileops.runtime.isolation.credentials import plugin_uid  # noqa: PLC0415  likewise
    from mobileops.runtime.isolation.policy import compile_policy  # noqa: PLC0415  likewise
    from mobileops.runtime.launching.identities import identity_index  # noqa: PLC0415  only this action needs them
    from mobileops.runtime.permissions.explanation import explain  # noqa: PLC0415  likewise
    from mobileops.runtime.permissions.without_namespaces import without_namespaces  # noqa: PLC0415  likewise

    home = console.home()
    subject = _subject(next(iter(arguments.plugins), None), console)
    name = subject.manifest.name
    compiled = compile_policy(
        subject.manifest,
        app=subject.place,
        data=home.data / name,
        uid=plugin_uid(identity_index(home.data, name)),
    )
    found = explain(subject.manifest, compiled)
    if _lacks_namespaces(home):
        found = without_namespaces(found, compiled)
    if arguments.json:
        console.json({**_head(subject), **_plain(found)})
    else:
        _print_explanation(found, subject, console)
    return EXIT_DONE


def _lacks_namespaces(home: Home) -> bool:
    """Whether plugins run without namespaces here; only an operator who accepts that has to wait for the answer."""
    from mobileops.runtime.isolation.probe import probe  # noqa: PLC0415  likewise
    from mobileops.runtime.launching import operator_settings  # noqa: PLC0415  likewise

    accepted = operator_settings.load(home.isolation_settings).min_isolation == "no-namespace"
    return accepted and probe().level == "NO-NAMESPACE"


def _head(subject: Subject) -> dict[str, str]:
    return {
        "name": subject.manifest.name,
        "version": str(subject.manifest.version),
        "form": subject.form,
        "place": str(subject.place),
    }


def _plain(found: Explanation) -> dict[str, object]:
    return {
        "permissions": list(found.permissions),
        "sections": [
            {
                "title": section.title,
                **{
                    side: [
                        {"text": one.text, "permission": one.permission, "enforced_by": list(one.enforced_by)}
                        for one in statements
                    ]
                    for side, statements in (("can", section.can), ("cannot", section.cannot))
                },
            }
            for section in found.sections
        ],
    }


def _print_explanation(found: Explanation, subject: Subject, console: Console) -> None:
    console.prose(f"{found.name} {found.version} ({subject.form}: {subject.place})")
    console.prose(f"permissions: {', '.join(found.permissions) or 'none'}")
    for section in found.sections:
        _print_section(section, console)
    console.note("'mobileops doctor' says which of these mechanisms the kernel of this host has")


def _print_section(section: Section, console: Console) -> None:
    console.print(f"\n{section.title}")
    for word, statements in (("can", section.can), ("cannot", section.cannot)):
        for enforced_by, group in itertools.groupby(statements, key=lambda one: one.enforced_by):
            by = f"  [{', '.join(enforced_by)}]" if enforced_by else ""
            console.prose(f"  {word}{by}")
            for one in group:
                console.prose(f"    {one.text}{f'  <{one.permission}>' if one.permission else ''}")


def _diff(arguments: argparse.Namespace, console: Console) -> int:
    """Print what the second plugin may do that the first may not, and the other way round; exit 1 when it is more."""
    from mobileops.runtime.permissions.difference import differences  # noqa: PLC0415  only this action needs it

    old, new = (_subject(word, console) for word in arguments.plugins)
    found = list(differences(old.manifest.permissions, new.manifest.permissions))
    more = any(one.allows_more for one in found)
    if arguments.json:
        changes = [
            {"kind": one.kind, "before": list(map(str, one.before)), "after": list(map(str, one.after))}
            for one in found
        ]
        console.json({"old": _head(old), "new": _head(new), "allows_more": more, "changes": changes})
    else:
        for one in found:
            sides = [", ".join(map(str, side)) for side in (one.before, one.after) if side]
            console.print(f"{_SIGNS[one.kind]} {one.kind:8}  {' -> '.join(sides)}")
        names = " and ".join(f"{side.manifest.name} {side.manifest.version}" for side in (old, new))
        console.note(f"{names}: {'the second may do more' if more else 'the second may do no more'}")
    return EXIT_FAILURE if more else EXIT_DONE


def _tighten(arguments: argparse.Namespace, console: Console) -> int:
    """Narrow a source's permissions to what its tests and its code need."""
    from mobileops.cli.commands._tightening import tighten  # noqa: PLC0415  a device has no toolchain

    return tighten(arguments, console)


def _audit(arguments: argparse.Namespace, console: Console) -> int:
    """Print which permissions of an installed plugin were used, which were not, and what was refused."""
    from mobileops.cli.commands._manager import installed  # noqa: PLC0415  only this action needs them
    from mobileops.runtime import audit  # noqa: PLC0415  likewise
    from mobileops.runtime.permissions.usage import unseen, usage  # noqa: PLC0415  likewise
    from mobileops.runtime.receipts import Receipts  # noqa: PLC0415  likewise

    home = console.home()
    receipt = installed(home, arguments.plugins[0])
    declared = Receipts(home).manifest(receipt).permissions
    found = usage(declared, audit.read(home.audit, receipt.name), audit.counts(home.audit, receipt.name))
    not_seen = unseen(os.uname().release)
    if arguments.json:
        console.json(
            {"name": receipt.name, "version": receipt.version, **dataclasses.asdict(found), "not_seen": not_seen}
        )
        return EXIT_DONE
    if found.since is None:
        console.note(f"{receipt.name} has not been started yet: nothing is in its audit log")
        return EXIT_DONE
    starts = "1 start" if found.starts == 1 else f"{found.starts} starts"
    console.print(f"{receipt.name} {receipt.version}: {starts} since {found.since}")
    _print_usage(found, console)
    console.note("not seen here:")
    for text in not_seen:
        console.note(f"  {text}")
    return EXIT_DONE


def _print_usage(found: Usage, console: Console) -> None:
    rows = [
        (one.permission, one.state, f"{one.count}", one.last or "-", ", ".join(one.targets) or "-")
        for one in found.permissions
    ]
    if rows:
        console.table(("PERMISSION", "STATE", "TIMES", "LAST", "FOR"), rows)
    if found.denials:
        console.print(f"\nrefused: {found.denials} times")
        shown = [(f"{one.count}", one.last, one.operation, one.target, one.reason) for one in found.denied]
        console.table(("TIMES", "LAST", "OPERATION", "TARGET", "WHY"), shown)
