"""``mobileops completion``: print what makes a shell complete the words of this program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import mobileops.cli

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

FILES: Final = {"bash": "mobileops.bash", "zsh": "_mobileops", "fish": "mobileops.fish"}


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("shell", choices=FILES, help="for ~/.bashrc or ~/.zshrc: source <(mobileops completion SHELL)")
    parser.example("mobileops completion bash", "mobileops completion fish > ~/.config/fish/completions/mobileops.fish")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the file that ships for a shell."""
    folder = Path(mobileops.cli.__file__).parent / "completions"
    console.stdout.write((folder / FILES[arguments.shell]).read_text(encoding="utf-8"))
    return 0
