"""``mobileops enable``: start a plugin whenever the plugin manager starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands import _autostart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    _autostart.configure(parser, example="mobileops enable my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write it down; nothing is started or stopped now."""
    return _autostart.change(arguments, console, enabled=True)
