"""The arguments of ``mobileops trust serve``; the server itself needs the toolchain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("--port", type=int, default=0, help="serve on this port; default: a free one")
    parser.add_argument("--identity", help="whom the certificates name; default: USER@localhost")
    parser.json_option()
    parser.example("mobileops trust serve")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until interrupted."""
    from mobileops.cli.commands._trust_serve import serve  # noqa: PLC0415  the other actions work without the toolchain

    return serve(console, identity=arguments.identity, port=arguments.port, as_json=bool(arguments.json))
