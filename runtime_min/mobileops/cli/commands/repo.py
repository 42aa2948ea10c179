"""``mobileops repo``: the repositories of this host. Each action is a function with a parser of its own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.parser import Parser
from mobileops.cli.verbs import Verb

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console

ACTIONS: Final = {
    "list": "show the repositories of this host, and the fingerprint of each root",
    "add": "use a repository, and hold on to its root",
    "remove": "use a repository no more",
    "claim": "say which repository owns a name, or all names with a prefix",
    "init": "make a new, empty repository in a folder",
    "resign": "sign a repository anew, so that it does not expire",
    "rotate": "replace the online key or the root key of a repository",
    "doctor": "check every file of a repository, and when it expires",
}


class ActionParser(Parser):
    """The parser of one action; argparse makes it, and says its full name."""

    def __init__(self, *, prog: str) -> None:
        """Take the summary from the table."""
        name = prog.removeprefix("mobileops ")
        super().__init__(Verb(name, "", "", ACTIONS[name.removeprefix("repo ")]))


def configure(parser: Parser) -> None:
    """Describe the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=ActionParser)
    for name, summary in ACTIONS.items():
        _module(name).configure(actions.add_parser(name, help=summary))
    parser.example("mobileops repo add corp https://plugins.example.com --plugins 'corp-*'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one of them."""
    return int(_module(arguments.action).run(arguments, console))


def _module(action: str) -> Any:  # noqa: ANN401 - a module
    return importlib.import_module(f"mobileops.cli.commands._repo_{action}")
