"""``mobileops trust``: whom this host trusts. Each action is a module of its own, with ``configure`` and ``run``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.parser import Parser
from mobileops.cli.verbs import Verb

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console

ACTIONS: Final = {
    "show": "show the policy, its roots with their age, and the pinned signers",
    "add": "add a root, a key or a publisher rule to the policy",
    "rotate": "forget the pinned signer of a plugin, because its publisher changed",
    "revoke": "refuse an archive, a key or a signer from now on",
    "update": "fetch the present root of the public Sigstore",
    "serve": "serve the local signing instance to this account, on loopback",
}


class ActionParser(Parser):
    """The parser of one action; argparse makes it, and says its full name."""

    def __init__(self, *, prog: str) -> None:
        """Take the summary from the table."""
        name = prog.removeprefix("mobileops ")
        super().__init__(Verb(name, "", "", ACTIONS[name.removeprefix("trust ")]))


def configure(parser: Parser) -> None:
    """Describe the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=ActionParser)
    for name, summary in ACTIONS.items():
        child = actions.add_parser(name, help=summary)
        _module(name).configure(child)
    parser.example("mobileops trust show")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one of them."""
    return int(_module(arguments.action).run(arguments, console))


def _module(action: str) -> Any:  # noqa: ANN401 - a module
    name = "serve_action" if action == "serve" else action
    return importlib.import_module(f"mobileops.cli.commands._trust_{name}")
