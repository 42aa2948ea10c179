"""argparse, with our errors: a usage mistake is a `UsageError` with a suggestion.

Never an exit from inside the library.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from mobileops.cli import layout
from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.cli.verbs import Verb


_MARGIN: Final = 2
_COLUMNS: Final = 80


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; argparse itself asks `shutil`, whose import takes longer than the parser."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - _MARGIN)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Break the summary; examples, which have a line each, stay whole. Called by argparse."""
        lines = text.split("\n") if "\n" in text else layout.broken(text, width)
        return "\n".join(indent + line for line in lines)


def _columns() -> int:
    """Return what `shutil.get_terminal_size` would."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _COLUMNS  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):  # no terminal, or no output at all
        return _COLUMNS


class Parser(argparse.ArgumentParser):
    """The parser of one verb."""

    def __init__(self, verb: Verb) -> None:
        """Start with the verb's name and summary."""
        super().__init__(
            prog=f"mobileops {verb.name}",
            description=verb.summary[0].upper() + verb.summary[1:] + ".",
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        self._verb = verb
        self._passed_on: str | None = None

    def example(self, *lines: str) -> None:
        """Show examples below the help, each a whole command line."""
        self.epilog = "\n  ".join(("example:" if len(lines) == 1 else "examples:", *lines))

    def passes_on(self, dest: str, program: str) -> None:
        """Take all words behind ``--`` for another program, as a list called `dest`."""
        self._passed_on = dest
        self.set_defaults(**{dest: []})
        self.usage = f"{self.format_usage().removeprefix('usage: ').rstrip()} [-- {program}'s own options]"

    def json_option(self) -> None:
        """Add ``--json``."""
        self.add_argument("--json", action="store_true", help="print JSON for programs")

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words after the verb.

        Raises:
            UsageError: they do not fit.
        """
        own, others = list(words), []
        if self._passed_on is not None and "--" in own:
            at = own.index("--")
            own, others = own[:at], own[at + 1 :]
        arguments, _ = self.parse_known_args(own)
        if self._passed_on is not None:
            setattr(arguments, self._passed_on, others)
        return arguments

    def parse_known_args(  # type: ignore[override]  # argparse overloads it for namespaces of another class
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuse what is left over, of a verb and of each of its actions: argparse asks every parser for it."""
        arguments, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = list(self._option_string_actions)
            suggestion = did_you_mean(unknown[0], options) if unknown[0].startswith("-") else None
            raise UsageError(
                f"unknown argument {unknown[0]!r} for 'mobileops {self._verb.name}'",
                code="MOP7002",
                fix=suggestion or f"mobileops {self._verb.name} --help",
            )
        return arguments, unknown

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuse a word that is none of the choices, with the nearest one; called by argparse."""
        choices = [str(choice) for choice in action.choices or ()]
        if choices and str(value) not in choices:
            what = (action.option_strings or [action.dest])[-1]
            raise UsageError(
                f"{str(value)!r} is none of {', '.join(choices)}: {what} of 'mobileops {self._verb.name}'",
                code="MOP7003",
                fix=did_you_mean(str(value), choices) or f"mobileops {self._verb.name} --help",
            )

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and exiting."""
        raise UsageError(
            f"{message} for 'mobileops {self._verb.name}'", code="MOP7003", fix=f"mobileops {self._verb.name} --help"
        )
