"""Where a command writes: data on standard output, words for people on standard error."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.errors import MobileOpsError
    from mobileops.runtime.home import Home


MIN_COLUMNS: Final = 40
"""Text is not wrapped into a narrower column than this: a digest would fill line after line."""


class Console(NamedTuple):
    """The streams and the environment of one command.

    Attributes:
        stdin: input, for ``-`` arguments.
        stdout: data.
        stderr: words.
        environment: the process environment.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Console:
        """Return the console of this process."""
        return cls(sys.stdin, sys.stdout, sys.stderr, dict(os.environ))

    def print(self, text: str) -> None:
        """Write one line of data."""
        self.stdout.write(text + "\n")

    def json(self, value: object) -> None:
        """Write a value as indented JSON; what JSON has no word for, as Python shows it."""
        import msgspec  # noqa: PLC0415  only commands that print JSON need it

        self.stdout.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=repr), indent=2).decode() + "\n")

    def wrapped(self, label: str, text: str) -> None:
        """Write text after a label: on a terminal in lines of its width, otherwise in one line."""
        lines = [text]
        if self.stdout.isatty():
            import shutil  # noqa: PLC0415  only a terminal has a width
            import textwrap  # noqa: PLC0415  likewise

            width = max(shutil.get_terminal_size().columns - len(label), MIN_COLUMNS)
            lines = textwrap.wrap(text, width, break_on_hyphens=False)
        for place, line in enumerate(lines):
            self.print(f"{' ' * len(label) if place else label}{line}")

    def json_line(self, value: object) -> None:
        """Write a value as one line of JSON, at once: somebody may wait for it at the other end of a pipe."""
        import msgspec  # noqa: PLC0415  only commands that print JSON need it

        self.stdout.write(msgspec.json.encode(value, enc_hook=repr).decode() + "\n")
        self.stdout.flush()

    def note(self, text: str) -> None:
        """Write one line for a person, after the data that came before it."""
        self.stdout.flush()
        self.stderr.write(text + "\n")
        self.stderr.flush()

    def error(self, error: MobileOpsError) -> None:
        """Write an error in its form: what, where, why, fix, code."""
        self.note(f"error: {error}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write aligned columns, two spaces apart, without trailing space."""
        widths = [max(len(str(row[column])) for row in (header, *rows)) for column in range(len(header))]
        for row in (header, *rows):
            self.print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    def fields(self, values: Mapping[str, Any]) -> None:
        """Write one aligned ``name: value`` line for each entry."""
        width = max(len(name) for name in values)
        for name, value in values.items():
            self.print(f"{name:>{width}}: {value}")

    def home(self) -> Home:
        """Return the plugin manager's folder, made when missing."""
        from mobileops.runtime.home import Home, default_root  # noqa: PLC0415  not every command needs one

        return Home(default_root(dict(self.environment), uid=os.geteuid())).prepare()


def printable(text: str) -> str:
    """Return text that a plugin or a bundle wrote without what could act on a terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
