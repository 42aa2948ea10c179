"""Where the values of a JSON text stand, also of a text that a strict reader refuses.

The scanner keeps no values. It goes on over comments, trailing commas, repeated keys (the last one counts, as in
lenient readers) and a byte order mark, and stops at the first thing that has no place; what it found until then is
valid.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from typing import Final, NoReturn

from mobileops.manifest.json_text import MAX_JSON_DEPTH

MAX_ENTRIES: Final = 50_000  # a text with more values is located no further

_BYTE_ORDER_MARK: Final = "\ufeff"
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/|#[^\n]*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"')
_WORD: Final = re.compile(r"[-+.0-9A-Za-z]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A part of a text.

    Attributes:
        start: offset of its first character.
        end: offset behind its last.
    """

    start: int
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Where one value stands.

    Attributes:
        value: the value.
        key: its key in the object around it, None for the document and for items of arrays.
    """

    value: Span
    key: Span | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where everything in a text stands.

    Attributes:
        entries: JSON pointer -> place.
        comments: what a strict reader refuses as comments.
        commas: commas with nothing behind them.
        complete: whether the whole text was read.
    """

    entries: dict[str, Entry]
    comments: tuple[Span, ...] = ()
    commas: tuple[Span, ...] = ()
    complete: bool = True


class _Stop(Exception):
    """Nothing behind this place can be located."""


def scan(text: str) -> Layout:
    """Return where the values of a JSON text stand."""
    scanner = _Scanner(text)
    complete = False
    with contextlib.suppress(_Stop):
        scanner.document()
        complete = True
    return Layout(scanner.entries, tuple(scanner.comments), tuple(scanner.commas), complete=complete)


def pointer_part(key: str) -> str:
    """Return a key as a part of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


class _Scanner:
    """A recursive-descent reader of places."""

    def __init__(self, text: str) -> None:
        self.entries: dict[str, Entry] = {}
        self.comments: list[Span] = []
        self.commas: list[Span] = []
        self._text = text
        self._at = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
        self._depth = 0

    def document(self) -> None:
        """Read one value and the end of the text."""
        self._value("", None)
        if self._peek():
            self._stop()

    def _value(self, pointer: str, key: Span | None) -> None:
        mark = self._peek()
        start = self._at
        if mark == "{":
            self._container(pointer, "}")
        elif mark == "[":
            self._container(pointer, "]")
        elif mark == '"':
            self._match(_STRING)
        else:
            self._match(_WORD)
        if len(self.entries) >= MAX_ENTRIES:
            self._stop()
        self.entries[pointer] = Entry(Span(start, self._at), key)

    def _container(self, pointer: str, close: str) -> None:
        self._depth += 1
        if self._depth > MAX_JSON_DEPTH:
            self._stop()
        self._at += 1
        index, comma = 0, None
        while self._peek() != close:
            if index and comma is None:
                self._stop()
            key, part = self._key() if close == "}" else (None, str(index))
            self._value(f"{pointer}/{part}", key)
            comma = self._comma()
            index += 1
        if comma:
            self.commas.append(comma)
        self._at += 1
        self._depth -= 1

    def _key(self) -> tuple[Span, str]:
        """Read a key and its colon; return its place, and its part of the pointer."""
        self._peek()
        start = self._at
        word = self._match(_STRING)
        span = Span(start, self._at)
        if self._peek() != ":":
            self._stop()
        self._at += 1
        return span, pointer_part(json.loads(word))

    def _comma(self) -> Span | None:
        if self._peek() != ",":
            return None
        self._at += 1
        return Span(self._at - 1, self._at)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            self._stop()
        self._at = found.end()
        return found.group()

    def _peek(self) -> str:
        """Skip white space and comments; return the next character, or an empty string at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                return self._text[self._at : self._at + 1]
            self.comments.append(Span(self._at, comment.end()))
            self._at = comment.end()

    def _stop(self) -> NoReturn:
        raise _Stop
