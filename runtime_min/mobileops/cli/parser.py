"""argparse, with our errors: a usage mistake is a `UsageError` with a suggestion.

Never an exit from inside the library.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.cli.verbs import Verb


class Parser(argparse.ArgumentParser):
    """The parser of one verb."""

    def __init__(self, verb: Verb) -> None:
        """Start with the verb's name and summary."""
        super().__init__(
            prog=f"mobileops {verb.name}",
            description=verb.summary[0].upper() + verb.summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._verb = verb

    def example(self, text: str) -> None:
        """Show an example below the help."""
        self.epilog = f"example:\n  {text}"

    def json_option(self) -> None:
        """Add ``--json``."""
        self.add_argument("--json", action="store_true", help="print JSON for programs")

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words after the verb.

        Raises:
            UsageError: they do not fit.
        """
        arguments, unknown = self.parse_known_args(list(words))
        if unknown:
            options = list(self._option_string_actions)
            suggestion = did_you_mean(unknown[0], options) if unknown[0].startswith("-") else None
            raise UsageError(
                f"unknown argument {unknown[0]!r} for 'mobileops {self._verb.name}'",
                code="MOP7002",
                fix=suggestion or f"mobileops {self._verb.name} --help",
            )
        return arguments

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
