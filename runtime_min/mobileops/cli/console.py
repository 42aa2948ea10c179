"""Where a command writes: data on standard output, words for people on standard error.

Whatever a plugin, a bundle or a file had a part in, nothing that is written here acts on a terminal: control characters
and what turns text around stand there in escapes. What programs read is written as it is: its format has escapes.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from mobileops.cli import layout
from mobileops.cli.layout import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.errors import MobileOpsError
    from mobileops.runtime.home import Home

MAX_ANSWER_CHARACTERS: Final = 4096


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
        self.stdout.write(layout.harmless(text) + "\n")

    def document(self, text: str) -> None:
        """Write a text for programs, as it is, and the end of its last line."""
        self.stdout.write(text + "\n")

    def prose(self, line: str) -> None:
        """Write one line of words; on a terminal in lines of its width, each but the first indented a little more."""
        self.print(layout.paragraph(line, layout.width(self.stdout)))

    def findings(self, text: str, *, as_data: bool = True) -> None:
        """Write findings in their form; lines of the source among them are left as they are.

        Args:
            text: any number of lines.
            as_data: on standard output; otherwise beside it, after the data that came before them.
        """
        self.stdout.flush()
        stream = self.stdout if as_data else self.stderr
        columns = layout.width(stream)
        for line in layout.harmless(text).split("\n"):
            is_source = line.startswith(" ") and not line.startswith(layout.LABELS)
            stream.write((line if is_source else layout.paragraph(line, columns)) + "\n")

    def json(self, value: object) -> None:
        """Write a value as indented JSON; what JSON has no word for, as Python shows it."""
        import msgspec  # noqa: PLC0415  only commands that print JSON need it

        self.stdout.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=repr), indent=2).decode() + "\n")

    def wrapped(self, label: str, text: str) -> None:
        """Write text after a label: on a terminal in lines of its width, otherwise in one line."""
        columns, text = layout.width(self.stdout), printable(text)
        lines = [text]
        if columns is not None:
            lines = layout.broken(text, max(columns - len(label), layout.MIN_COLUMNS))
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
        text = layout.harmless(text)
        self.stderr.write((text if "\n" in text else layout.paragraph(text, layout.width(self.stderr))) + "\n")
        self.stderr.flush()

    def ask(self, question: str) -> str | None:
        """Ask a person at a terminal; return the line without its end, None when the input ended (Ctrl-D)."""
        self.stdout.flush()
        self.stderr.write(question)
        self.stderr.flush()
        line = self.stdin.readline(MAX_ANSWER_CHARACTERS)
        if not line:
            self.note("")  # nobody has ended the line of the question
            return None
        return line.strip()

    def error(self, error: MobileOpsError) -> None:
        """Write an error in its form: what, where, why, fix, code."""
        columns = layout.width(self.stderr)
        self.note("\n".join(layout.paragraph(line, columns) for line in f"error: {error}".split("\n")))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write aligned columns; on a terminal that is too narrow for them, cells are broken."""
        self.stdout.write(layout.table((header, *rows), layout.width(self.stdout)))

    def fields(self, values: Mapping[str, Any]) -> None:
        """Write one aligned ``name: value`` line for each entry; on a terminal a long value in several."""
        width = max(len(name) for name in values)
        for name, value in values.items():
            self.wrapped(f"{name:>{width}}: ", str(value))

    def home(self) -> Home:
        """Return the plugin manager's folder, made when missing."""
        from mobileops.runtime.home import Home, default_root  # noqa: PLC0415  not every command needs one

        return Home(default_root(dict(self.environment), uid=os.geteuid())).prepare()
