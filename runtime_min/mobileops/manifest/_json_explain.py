"""Say where and why a JSON text is not strict; only a refused text is read by this slow scanner.

It goes on after everything that has one obvious repair (comments, trailing commas, repeated keys, ``NaN``, numbers
out of range, unpaired surrogates) and stops at the first thing that has none.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Final, NoReturn

from mobileops.errors import Finding
from mobileops.manifest.json_text import MAX_JSON_DEPTH, MAX_SAFE_INTEGER, finite_real, safe_integer

MAX_FINDINGS: Final = 100

_RFC: Final = "RFC 8259"
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/|#[^\n]*", re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9A-Za-z_.+-])")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"')
_WORD: Final = re.compile(r"-?[A-Za-z]+")
_CONSTANTS: Final = frozenset({"true", "false", "null"})
_NOT_JSON: Final = frozenset({"NaN", "Infinity", "-Infinity"})


class _Stop(Exception):
    """Nothing after this place can be judged."""


def explain(text: str, where: str, *, fallback: str) -> tuple[Finding, ...]:
    """Return at least one finding for a text that ``json_text.loads`` refused.

    Args:
        text: the decoded file.
        where: its name; findings say ``where:line:column``, counted from 1 in characters.
        fallback: what the fast reader said, used if this one finds nothing.
    """
    scanner = _Scanner(text, where)
    with contextlib.suppress(_Stop):
        scanner.document()
    return tuple(scanner.findings) or (Finding("MOP1004", fallback, where, why=_RFC),)


class _Scanner:
    """A recursive-descent reader that keeps no values, only the position and what was wrong."""

    def __init__(self, text: str, where: str) -> None:
        self.findings: list[Finding] = []
        self._text = text
        self._where = where
        self._at = 0
        self._depth = 0

    def document(self) -> None:
        """Read one value and the end of the text."""
        self._value()
        if self._peek():
            self._stop("there is more text after the end of the value", fix="keep one value in the file")

    def _value(self) -> None:
        """Read any value."""
        mark = self._peek()
        if mark and mark in "{[":
            self._container("}" if mark == "{" else "]")
        elif mark == '"':
            self._string()
        elif mark == "'":
            self._stop("strings need double quotes", fix="write it in double quotes")
        elif match := _WORD.match(self._text, self._at):
            self._word(match.group())
        elif match := _NUMBER.match(self._text, self._at):
            self._number(match)
        elif mark and mark in "-0123456789":
            self._stop("this is not a JSON number", fix="no leading zeros, no leading '+', digits around the point")
        else:
            self._stop(f"a value was expected, not {mark!r}" if mark else "the text ends where a value was expected")

    def _container(self, close: str) -> None:
        """Read an object or an array up to ``close``."""
        self._depth += 1
        if self._depth > MAX_JSON_DEPTH:
            self._stop(f"values are nested deeper than {MAX_JSON_DEPTH}", code="MOP1007", fix="nest less deeply")
        self._at += 1
        seen: dict[str, int] = {}
        comma: int | None = None
        while (mark := self._peek()) != close:
            if close == "}":
                self._key(mark, seen)
            self._value()
            comma = self._comma(close)
        if comma is not None:
            self._report("MOP1009", "there is a comma after the last item", at=comma, fix="remove the comma")
        self._at += 1
        self._depth -= 1

    def _comma(self, close: str) -> int | None:
        """Read what separates two items; return where the comma was."""
        mark = self._peek()
        if mark == ",":
            self._at += 1
            return self._at - 1
        if mark != close:
            end = f"not {mark!r}" if mark else "not the end of the text"
            self._stop(f"',' or {close!r} was expected, {end}")
        return None

    def _key(self, mark: str, seen: dict[str, int]) -> None:
        """Read a key and its colon, and report a key given before."""
        if mark != '"':
            self._stop("a key in double quotes was expected", fix='write keys as "key"')
        start = self._at
        key = self._string()
        if key in seen:
            what = f"{key!r} is given twice, first at {self._place(seen[key])}"
            self._report("MOP1005", what, at=start, fix="keep one of the two", why="RFC 8259, section 4")
        seen.setdefault(key, start)
        if self._peek() != ":":
            self._stop(f"':' was expected after the key {key!r}")
        self._at += 1

    def _string(self) -> str:
        """Read a string and return its value."""
        match = _STRING.match(self._text, self._at)
        if match is None:
            self._stop(
                "this string is not closed, or holds a control character or an unknown escape",
                fix=r'close it with ", write line breaks as \n and backslashes as \\',
            )
        value: str = json.loads(match.group())
        if any("\ud800" <= char <= "\udfff" for char in value):
            self._report("MOP1011", "this string holds an unpaired surrogate", why="RFC 7493, section 2.1")
        self._at = match.end()
        return value

    def _word(self, word: str) -> None:
        """Read true, false or null, and report other words."""
        if word in _NOT_JSON:
            self._report("MOP1006", f"{word} is not JSON", why="RFC 8259, section 6", fix="use a number or null")
        elif word not in _CONSTANTS:
            fix = f"write {word.lower()}" if word.lower() in _CONSTANTS else "put text in double quotes"
            self._stop(f"{word!r} is not a JSON value", fix=fix)
        self._at += len(word)

    def _number(self, match: re.Match[str]) -> None:
        """Read a number and report one that other readers would change."""
        try:
            (finite_real if match.group(1) or match.group(2) else safe_integer)(match.group())
        except ValueError:
            what = f"the number is beyond {MAX_SAFE_INTEGER}"
            self._report("MOP1010", what, why="RFC 7493, section 2.2", fix="write it as a string")
        self._at = match.end()

    def _peek(self) -> str:
        """Skip white space and comments; return the next character or the empty string."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                return self._text[self._at : self._at + 1]
            self._report("MOP1008", "JSON has no comments", why=_RFC, fix="remove the comment, or use plugin.yaml")
            self._at = comment.end()

    def _place(self, at: int) -> str:
        """Return ``line:column`` of an offset."""
        before = self._text[:at]
        return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

    def _report(
        self, code: str, what: str, *, at: int | None = None, why: str | None = None, fix: str | None = None
    ) -> None:
        """Add a finding; after ``MAX_FINDINGS`` of them the rest of the text is not read."""
        place = self._place(self._at if at is None else at)
        self.findings.append(Finding(code, what, f"{self._where}:{place}", why=why, fix=fix))
        if len(self.findings) >= MAX_FINDINGS:
            raise _Stop

    def _stop(self, what: str, *, code: str = "MOP1004", fix: str | None = None) -> NoReturn:
        """Add a finding after which nothing can be judged."""
        self._report(code, what, why=_RFC, fix=fix)
        raise _Stop
