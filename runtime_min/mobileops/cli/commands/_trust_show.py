"""``mobileops trust show``: the policy, its roots with their age, and the pinned signers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._trust import warn
from mobileops.runtime.store import Store
from mobileops.runtime.trust import anchors, load_policy
from mobileops.runtime.trust.signers import demands

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.trust import TrustPolicy


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.json_option()
    parser.example("mobileops trust show --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print it; nothing is changed."""
    home = console.home()
    policy = load_policy(home)
    facts = _facts(home, policy)
    if arguments.json:
        console.json(facts)
        return 0
    console.fields({key: facts[key] for key in ("policy", "serial", "unsigned", "revoked")})
    console.print("")
    console.table(
        ("ROOT", "ASSURANCE", "SINCE", "FILES"),
        [(root["name"], root["assurance"], root["since"] or "-", ", ".join(root["files"])) for root in facts["roots"]],
    )
    if facts["publishers"]:
        console.print("")
        rows = [(", ".join(rule["plugins"]), rule["accepts"]) for rule in facts["publishers"]]
        console.table(("PLUGINS", "PUBLISHER"), rows)
    if facts["pins"]:
        console.print("")
        console.table(("PLUGIN", "PINNED SIGNER"), [(name, pin["summary"]) for name, pin in facts["pins"].items()])
    warn(home, console)
    return 0


def _facts(home: Home, policy: TrustPolicy) -> dict[str, Any]:
    """Return what schema/cli/trust-show.v1.schema.json describes."""
    rules = policy.rules
    since = {root.name: str(date.date()) for root, date in anchors.dated(rules.roots)}
    roots = [
        {
            "name": root.name,
            "assurance": root.assurance,
            "since": since.get(root.name),
            "files": [str(path) for path in (*root.keys, *([root.trusted_root] if root.trusted_root else []))],
        }
        for root in rules.roots
    ]
    publishers = [{"plugins": list(rule.plugins), "accepts": demands(rule)} for rule in rules.publishers]
    pins = {name: {**pin.to_dict(), "summary": str(pin)} for name, pin in sorted(Store(home).pins().items())}
    return {
        "policy": policy.where,
        "serial": rules.serial,
        "unsigned": "deny",
        "revoked": len(rules.revoked),
        "max_root_age_days": rules.max_root_age_days,
        "roots": roots,
        "publishers": publishers,
        "pins": pins,
    }
