"""Name the likely cause of a difference between two builds of one file.

A cause is named when taking away what it explains makes both files equal: a rule about time stamps is right when the
files without their time stamps are the same. The rules go from the surest to the vaguest, and the first that fits wins.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.rebuild import patterns

if TYPE_CHECKING:
    from collections.abc import Callable

_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_GZIP_TIME: Final = slice(4, 8)
_ZIP_TIMES: Final = re.compile(rb"(PK\x03\x04.{6}|PK\x01\x02.{8}).{4}", re.DOTALL)
_BYTECODE: Final = (".pyc", ".pyo")
_FEW: Final = 64


class Cause(enum.StrEnum):
    """What made two builds differ."""

    TIMESTAMP = "timestamp"
    PATH = "path"
    USER = "user"
    ORDER = "order"
    HASH_SEED = "hash seed"
    TOOL_VERSION = "tool version"
    LINE_ENDINGS = "line endings"
    LOCALE = "locale"
    COMPRESSOR = "compressor"
    BYTECODE = "bytecode"
    UUID = "uuid"
    RANDOM = "random"
    ADDRESS = "memory address"
    ENCODING = "encoding"
    WHITE_SPACE = "white space"
    MODE = "execute bit"
    FILE_SYSTEM = "file system"
    DEPENDENCIES = "dependencies"
    MANIFEST = "manifest"
    MISSING = "missing file"
    EXTRA = "extra file"
    SOURCE = "source"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The likely cause, with what speaks for it and what to do."""

    cause: Cause
    why: str
    fix: str


_FIXES: Final = {
    Cause.TIMESTAMP: "write no time into files, or take it from SOURCE_DATE_EPOCH",
    Cause.PATH: "write paths relative to the source folder",
    Cause.USER: "leave out who built it and where",
    Cause.ORDER: "sort before writing: folders are listed in any order",
    Cause.HASH_SEED: "sort sets and dictionaries before writing; a set has another order with every PYTHONHASHSEED",
    Cause.TOOL_VERSION: "generate with a pinned version of the tool, or leave its version out",
    Cause.LINE_ENDINGS: "check out with '* text=auto eol=lf' in .gitattributes",
    Cause.LOCALE: "generate with LC_ALL=C.UTF-8",
    Cause.COMPRESSOR: "use the versions of mobileops-toolchain, deflate and zlib-ng that built it",
    Cause.BYTECODE: "ship sources alone; bytecode depends on the interpreter and on times",
    Cause.UUID: "derive identifiers from content (UUID version 5)",
    Cause.RANDOM: "seed the generator, or do not generate while building",
    Cause.ADDRESS: "do not write repr() of objects that have none of their own",
    Cause.ENCODING: "write UTF-8 without a byte order mark",
    Cause.WHITE_SPACE: "format with a pinned formatter",
    Cause.MODE: "set the execute bit in version control: 'git update-index --chmod=+x FILE', or -x",
    Cause.FILE_SYSTEM: "use names that differ in more than case and Unicode form",
    Cause.DEPENDENCIES: "rebuild with the requirements.txt, platform and Python of the bundle",
    Cause.MANIFEST: "check out the version that was packaged",
    Cause.MISSING: "check out the version that was packaged, and look at 'mobileops package --list'",
    Cause.EXTRA: "build from a clean checkout, and look at 'mobileops package --list'",
    Cause.SOURCE: "check out the version that was packaged",
}


def verdict(cause: Cause, why: str) -> Verdict:
    """Return a verdict with the advice that belongs to its cause."""
    return Verdict(cause, why, _FIXES[cause])


def cause_of(name: str, before: bytes, after: bytes) -> Verdict:
    """Return why the file `name` has other content.

    Args:
        name: of the member.
        before: its content in the bundle, or the part around the first difference.
        after: the same in the rebuilt bundle.
    """
    if name.endswith(_BYTECODE):
        return verdict(Cause.BYTECODE, "it is compiled Python")
    for rule in _RULES:
        found = rule(before, after)
        if found is not None:
            return found
    # Several causes in one file: the line where the difference begins may have only one of them.
    lines = _first_lines(before, after)
    if lines is not None and lines != (before, after):
        for rule in _LINE_RULES:
            found = rule(*lines)
            if found is not None:
                return found
    if name.startswith("vendor/"):
        return verdict(Cause.DEPENDENCIES, "it belongs to a vendored dependency")
    return verdict(Cause.SOURCE, "nothing that builds usually leave behind explains the difference")


def _first_lines(before: bytes, after: bytes) -> tuple[bytes, bytes] | None:
    for left, right in zip(before.split(b"\n"), after.split(b"\n"), strict=False):
        if left != right:
            return left, right
    return None


def _line_endings(before: bytes, after: bytes) -> Verdict | None:
    if before.replace(b"\r\n", b"\n").replace(b"\r", b"\n") != after.replace(b"\r\n", b"\n").replace(b"\r", b"\n"):
        return None
    return verdict(Cause.LINE_ENDINGS, "the files are the same but for carriage returns")


def _encoding(before: bytes, after: bytes) -> Verdict | None:
    if before.removeprefix(_BOM) == after.removeprefix(_BOM):
        return verdict(Cause.ENCODING, "one of the files begins with a byte order mark")
    texts = {_decoded(before, codec) for codec in _CODECS} & {_decoded(after, codec) for codec in _CODECS} - {None}
    return verdict(Cause.ENCODING, "the files are the same text in two encodings") if texts else None


_CODECS: Final = ("utf-8", "utf-16", "cp1252", "latin-1")


def _decoded(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _white_space(before: bytes, after: bytes) -> Verdict | None:
    if b"".join(before.split()) != b"".join(after.split()):
        return None
    return verdict(Cause.WHITE_SPACE, "the files are the same but for white space")


def _archive_times(before: bytes, after: bytes) -> Verdict | None:
    if before.startswith(_GZIP) and after.startswith(_GZIP):
        left, right = bytearray(before), bytearray(after)
        left[_GZIP_TIME] = right[_GZIP_TIME] = bytes(4)
        same = left == right
    else:
        same = before.startswith(b"PK") and _ZIP_TIMES.sub(rb"\1", before) == _ZIP_TIMES.sub(rb"\1", after)
    return verdict(Cause.TIMESTAMP, "it is an archive, and the times in its headers differ") if same else None


def _without(pattern: re.Pattern[bytes], cause: Cause, label: str) -> Callable[[bytes, bytes], Verdict | None]:
    """Return a rule: the files are the same when everything that `pattern` matches is taken out of both."""

    def rule(before: bytes, after: bytes) -> Verdict | None:
        left, right = pattern.findall(before), pattern.findall(after)
        if not left or left == right or pattern.sub(b"\0", before) != pattern.sub(b"\0", after):
            return None
        one, other = next(pair for pair in zip(left, right, strict=True) if pair[0] != pair[1])
        return verdict(cause, f"{label} {_shown(one)} became {_shown(other)}")

    return rule


def _shown(data: bytes) -> str:
    text = ascii(data[:_FEW].decode("utf-8", "backslashreplace"))
    return f"{text}…" if len(data) > _FEW else text


_path = _without(patterns.PATH, Cause.PATH, "the path")


def _user_or_path(before: bytes, after: bytes) -> Verdict | None:
    return _without(patterns.HOME, Cause.USER, "the home folder of")(before, after) or _path(before, after)


def _order(before: bytes, after: bytes) -> Verdict | None:
    left, right = ([line.rstrip(b",\r") for line in data.splitlines()] for data in (before, after))
    if sorted(left) != sorted(right):
        return None
    if {_collation(left), _collation(right)} == {"bytes", "letters"}:
        return verdict(Cause.LOCALE, "the same lines, sorted by the rules of two locales")
    return verdict(Cause.ORDER, "the same lines in another order")


def _collation(lines: list[bytes]) -> str | None:
    if lines == sorted(lines):
        return "bytes"
    return "letters" if lines == sorted(lines, key=lambda line: line.lower()) else None


def _hash_seed(before: bytes, after: bytes) -> Verdict | None:
    left, right = patterns.TOKEN.findall(before), patterns.TOKEN.findall(after)
    if left == right or sorted(left) != sorted(right):
        return None
    return verdict(
        Cause.HASH_SEED, "the same words in another order within a line, as a set has with another hash seed"
    )


def _locale(before: bytes, after: bytes) -> Verdict | None:
    if patterns.NUMBER.sub(_digits, before) == patterns.NUMBER.sub(_digits, after):
        return verdict(Cause.LOCALE, "the same digits with other separators")
    words = patterns.CALENDAR_WORD.search(before) or patterns.CALENDAR_WORD.search(after)
    if words and patterns.WORD.sub(b"\0", before) == patterns.WORD.sub(b"\0", after):
        return verdict(Cause.LOCALE, "names of days or months in two languages")
    return None


def _digits(match: re.Match[bytes]) -> bytes:
    return bytes(byte for byte in match[0] if byte in b"0123456789")


def _noise(before: bytes, after: bytes) -> Verdict | None:
    """Fit a short run of bytes that differ in a binary file of the same length."""
    if len(before) != len(after) or b"\0" not in before:
        return None
    places = [place for place, (left, right) in enumerate(zip(before, after, strict=True)) if left != right]
    if places[-1] - places[0] >= _FEW:
        return None
    return verdict(Cause.RANDOM, f"{places[-1] - places[0] + 1} bytes of a binary file differ")


_timestamp = _without(patterns.TIMESTAMP, Cause.TIMESTAMP, "the time")
_uuid = _without(patterns.UUID, Cause.UUID, "the identifier")
_address = _without(patterns.ADDRESS, Cause.ADDRESS, "the address")
_user = _without(patterns.USER, Cause.USER, "what names user or machine,")
_version = _without(patterns.VERSION, Cause.TOOL_VERSION, "the version")
_random = _without(patterns.RANDOM, Cause.RANDOM, "the value")

_LINE_RULES: Final = (_uuid, _locale, _timestamp, _address, _user_or_path, _user, _hash_seed, _version, _random)
_RULES: Final = (_line_endings, _encoding, _white_space, _archive_times, _order, *_LINE_RULES, _noise)
