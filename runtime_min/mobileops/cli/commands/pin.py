"""``mobileops pin``: leave a plugin at its version when others are upgraded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands import _holding

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    _holding.configure(parser, example="mobileops pin my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write it down."""
    return _holding.change(arguments, console, held=True)
