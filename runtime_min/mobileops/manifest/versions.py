"""Versions and version ranges.

A version is SemVer 2.0.0. A range is a comma-separated list of comparators in the style of PEP 440, all of which
must hold: ``>=1.0.0,<2``. Left-out parts of a bound are zero, so ``<2`` means ``<2.0.0``.

Laws::

    Version.parse(str(v)) == v
    exactly one of  a < b,  a == b,  a > b       build metadata takes no part (SemVer 2.0.0, section 10)
    VersionRange.parse(str(r)) == r
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.manifest._refusal import refused

if TYPE_CHECKING:
    import re

    from mobileops.errors import ManifestError

MAX_VERSION_LENGTH: Final = 128
MAX_RANGE_LENGTH: Final = 256

_NUMBERS: Final = 3
_MAX_DIGITS: Final = 9
_NUMBER: Final = "(?:0|[1-9][0-9]{0,8})"
_IDENTIFIER: Final = "(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PRERELEASE: Final = rf"-({_IDENTIFIER}(?:\.{_IDENTIFIER})*)"
_VERSION: Final = rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:{_PRERELEASE})?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_COMPARATOR: Final = (
    rf" *(>=|<=|==|!=|~=(?= *[0-9]+\.)|>|<) *({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER})(?:{_PRERELEASE})?)?)? *"
)


@functools.total_ordering
class Version:
    """A SemVer 2.0.0 version; equality, order and hash follow its precedence.

    Attributes:
        major: incompatible changes.
        minor: compatible additions.
        patch: compatible repairs.
        prerelease: identifiers after ``-``; numeric ones are integers.
        build: text after ``+``, without influence on order and equality.
    """

    __slots__ = ("build", "major", "minor", "patch", "prerelease")

    major: int
    minor: int
    patch: int
    prerelease: tuple[int | str, ...]
    build: str

    # Written out: the module dataclasses costs as much as all of a small plugin's packing.
    def __init__(
        self, major: int, minor: int, patch: int, prerelease: tuple[int | str, ...] = (), build: str = ""
    ) -> None:
        for name, value in zip(
            ("major", "minor", "patch", "prerelease", "build"), (major, minor, patch, prerelease, build), strict=True
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        message = f"a version does not change: {name}"
        raise AttributeError(message)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return (self.release, self.prerelease) == (other.release, other.prerelease)

    def __hash__(self) -> int:
        return hash((self.release, self.prerelease))

    def __repr__(self) -> str:
        return f"Version({str(self)!r})"

    @classmethod
    def parse(cls, text: str, *, where: str = "version") -> Version:
        """Return the version that ``text`` spells.

        Raises:
            ManifestError: ``text`` is not SemVer 2.0.0 (``MOP1121``).
        """
        numbers = text.split(".")
        if len(numbers) == _NUMBERS and all(map(_is_number, numbers)):
            major, minor, patch = numbers
            return cls(int(major), int(minor), int(patch))  # like most versions, it needs no pattern
        match = _pattern(_VERSION).fullmatch(text) if len(text) <= MAX_VERSION_LENGTH else None
        if match is None:
            raise _refusal("MOP1121", f"{text!r} is not a version", where, "write it as 1.0.0 or 1.0.0-rc.1")
        major, minor, patch, prerelease, build = match.groups()
        return cls(int(major), int(minor), int(patch), _identifiers(prerelease), build or "")

    @property
    def release(self) -> tuple[int, int, int]:
        """Return the three numbers without pre-release and build."""
        return self.major, self.minor, self.patch

    def __lt__(self, other: Version) -> bool:
        """Compare by precedence (SemVer 2.0.0, section 11)."""
        return self._precedence() < other._precedence()

    def __str__(self) -> str:
        """Return the SemVer spelling."""
        prerelease = "-" + ".".join(map(str, self.prerelease)) if self.prerelease else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{prerelease}{build}"

    def _precedence(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        """Return a key that sorts like SemVer: a release after its pre-releases, numbers before words."""
        ranks = tuple((True, 0, part) if isinstance(part, str) else (False, part, "") for part in self.prerelease)
        return self.release, not self.prerelease, ranks


class Comparator(NamedTuple):
    """One condition of a range.

    Attributes:
        operator: one of ``>= > <= < == !=``; ``~=`` becomes two of them when a range is parsed.
        bound: the version compared with.
    """

    operator: str
    bound: Version

    def holds(self, version: Version) -> bool:
        """Tell whether ``version`` meets the condition."""
        if self.operator == "<" and not self.bound.prerelease and version.release == self.bound.release:
            # As in PEP 440: "<2" is meant to keep 2.0.0-rc.1 out, although it sorts before 2.0.0.
            return False
        return _OPERATORS[self.operator](version, self.bound)

    def __str__(self) -> str:
        """Return the comparator as written in a range."""
        return f"{self.operator}{self.bound}"


_OPERATORS: Final = {
    ">=": Version.__ge__,
    ">": Version.__gt__,
    "<=": Version.__le__,
    "<": Version.__lt__,
    "==": Version.__eq__,
    "!=": Version.__ne__,
}


class VersionRange(NamedTuple):
    """A set of versions: those for which every comparator holds.

    ``~=1.4`` stands for ``>=1.4,<2`` and ``~=1.4.2`` for ``>=1.4.2,<1.5``. Pre-releases are ordinary members of a
    range, except that ``<2`` leaves out the pre-releases of 2.0.0. Whether to *prefer* them is a resolver's matter.
    """

    comparators: tuple[Comparator, ...]

    @classmethod
    def parse(cls, text: str, *, where: str = "range") -> VersionRange:
        """Return the range that ``text`` spells.

        Raises:
            ManifestError: ``text`` is not a list of comparators (``MOP1122``).
        """
        comparators: list[Comparator] = []
        for part in text.split(",") if len(text) <= MAX_RANGE_LENGTH else [""]:
            match = _pattern(_COMPARATOR).fullmatch(part)
            if match is None:
                raise _refusal("MOP1122", f"{text!r} is not a version range", where, "write it as >=1.0.0,<2")
            comparators += _comparators(*match.groups())
        return cls(tuple(comparators))

    def contains(self, version: Version) -> bool:
        """Tell whether every comparator holds for ``version``."""
        return all(comparator.holds(version) for comparator in self.comparators)

    def is_empty(self) -> bool:
        """Tell whether the bounds exclude each other, as in ``>=2,<1``.

        Only bounds are compared: a range emptied by ``!=`` alone is not found.
        """
        lows = [c for c in self.comparators if c.operator in {">=", ">", "=="}]
        highs = [c for c in self.comparators if c.operator in {"<=", "<", "=="}]
        return any(
            low.bound > high.bound or (low.bound == high.bound and not {low.operator, high.operator}.isdisjoint("<>"))
            for low in lows
            for high in highs
        )

    def __str__(self) -> str:
        """Return the comparators, joined by commas."""
        return ",".join(map(str, self.comparators))


def _comparators(operator: str, major: str, minor: str | None, patch: str | None, pre: str | None) -> list[Comparator]:
    """Return the one or two comparators that a written one stands for."""
    bound = Version(int(major), int(minor or 0), int(patch or 0), _identifiers(pre))
    if operator != "~=":
        return [Comparator(operator, bound)]
    above = Version(bound.major + 1, 0, 0) if patch is None else Version(bound.major, bound.minor + 1, 0)
    return [Comparator(">=", bound), Comparator("<", above)]


def _is_number(text: str) -> bool:
    """Tell whether ``_NUMBER`` matches a text."""
    return text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS and (text[0] != "0" or text == "0")


def _identifiers(text: str | None) -> tuple[int | str, ...]:
    """Return pre-release identifiers, numeric ones as integers."""
    return tuple(int(part) if part.isdecimal() else part for part in text.split(".")) if text else ()


@functools.cache
def _pattern(source: str) -> re.Pattern[str]:
    """Compile a pattern on first use: importing this module stays cheap."""
    import re  # noqa: PLC0415 - see the docstring

    return re.compile(source)


def _refusal(code: str, what: str, where: str, fix: str) -> ManifestError:
    """Return the error for a text that is not a version or range."""
    return refused(code, what, where, fix=fix)
