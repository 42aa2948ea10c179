"""``mobileops unpin``: upgrade a plugin with the others again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands import _holding

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    _holding.configure(parser, example="mobileops unpin my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write it down."""
    return _holding.change(arguments, console, held=False)
