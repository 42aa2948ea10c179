"""``mobileops trust``: the signing instance of this account, as others see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.cli.commands import _trust_serve

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

ACTIONS: Final = ("serve",)


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("action", choices=ACTIONS, help="serve the local signing instance on loopback")
    parser.add_argument("--port", type=int, default=0, help="serve: on this port; default: a free one")
    parser.add_argument("--identity", help="serve: whom the certificates name; default: USER@localhost")
    parser.json_option()
    parser.example("mobileops trust serve")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until interrupted."""
    return _trust_serve.serve(console, identity=arguments.identity, port=arguments.port, as_json=bool(arguments.json))
