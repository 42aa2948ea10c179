"""A finding with its place in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from mobileops.errors import Finding

_PREFIX: Final = "MOP"
_MANIFEST_AREA: Final = "MOP1"
_FIRST_OF_FOLDER: Final = 1320


class Diagnostic(NamedTuple):
    """A finding, and where in which file it is.

    Attributes:
        finding: what is wrong.
        file: path relative to the plugin's folder, with forward slashes.
        pointer: JSON pointer inside the manifest, None for other places.
        line: counted from 1, None for the file as a whole.
        column: of the first character, counted from 1 in code points; None for the whole line.
        end_column: behind the last character on that line; None where only the start is known.
        source_line: the text of the line, None where it is not known.
    """

    finding: Finding
    file: str
    pointer: str | None = None
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    source_line: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether it stops packaging."""
        return self.finding.severity == "error"

    def place(self, base: str = "") -> str:
        """Return ``file:line:column`` as far as it is known, with ``base`` in front."""
        numbers = (self.line, self.column) if self.line else ()
        return ":".join([f"{base}{self.file}", *(str(number) for number in numbers if number)])

    def to_dict(self) -> dict[str, str | int | None]:
        """Return plain values, as schema/cli/validate.v1.schema.json describes them."""
        return {
            "code": self.finding.code,
            "severity": self.finding.severity,
            "what": self.finding.what,
            "why": self.finding.why,
            "fix": self.finding.fix,
            "where": self.finding.where,
            "file": self.file,
            "pointer": self.pointer,
            "line": self.line,
            "column": self.column,
            "end_column": self.end_column,
        }


def is_of_manifest(code: str) -> bool:
    """Whether a finding is about the manifest alone, which a device checks too, and not about the files beside it."""
    return code.startswith(_MANIFEST_AREA) and int(code.removeprefix(_PREFIX)) < _FIRST_OF_FOLDER
