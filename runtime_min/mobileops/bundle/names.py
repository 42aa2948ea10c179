"""Which member names are valid, alone and together.

Law: a valid set of names means the same files on every file system the platform or an author's machine uses, and reads
on screen as what it is. Sources: APPNOTE.TXT 4.4.17 (forward slashes, relative), Unicode TR36 and TR39 (invisible and
confusable text), CVE-2021-42574 (bidirectional controls), Microsoft "Naming Files, Paths, and Namespaces".
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Final, NamedTuple

from mobileops.bundle.codes import Code
from mobileops.bundle.layout import RESERVED_FOLDER, RESERVED_MEMBERS
from mobileops.bundle.limits import MAX_DEPTH, MAX_NAME_BYTES, MAX_PART_BYTES

_WINDOWS_CHARACTERS: Final = frozenset('<>:"|?*')
_WINDOWS_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789\u00b9\u00b2\u00b3"}
)
# Controls, formats (bidi, zero width, tags), surrogates, private use, unassigned, line and paragraph separators.
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Default ignorable or blank code points which have a harmless category (Unicode DerivedCoreProperties.txt).
_UNSEEN: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)


class NameFault(NamedTuple):
    """What is wrong with a name.

    Attributes:
        code: one of the ``NAME_…`` codes.
        what: one line; the name is quoted.
    """

    code: Code
    what: str


def name_fault(name: str) -> NameFault | None:
    """Return the first rule that `name` breaks alone, or None when it is valid."""
    for rule in (_whole_fault, _character_fault, _parts_fault):
        fault = rule(name)
        if fault is not None:
            return fault
    if name.startswith(RESERVED_FOLDER) and name not in RESERVED_MEMBERS:
        return NameFault(Code.NAME_RESERVED, f"{name!r} lies in {RESERVED_FOLDER!r}, which belongs to the format")
    return None


def _whole_fault(name: str) -> NameFault | None:
    if not name:
        return NameFault(Code.NAME_EMPTY, "a name is empty")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        return NameFault(Code.NAME_LENGTH, f"{name[:40]!r}… is longer than {MAX_NAME_BYTES} bytes")
    if "\\" in name:
        return NameFault(Code.NAME_BACKSLASH, f"{name!r} contains a backslash")
    if name.startswith("/"):
        return NameFault(Code.NAME_ABSOLUTE, f"{name!r} is absolute")
    if name.endswith("/"):
        return NameFault(Code.NAME_DIRECTORY, f"{name!r} is a directory entry")
    return None


def _character_fault(name: str) -> NameFault | None:
    if not name.isprintable() and any(unicodedata.category(character) == "Cc" for character in name):
        return NameFault(Code.NAME_CONTROL, f"{name!r} contains a control character")
    if not name.isascii():
        for character in name:
            if _is_unseen(character):
                what = f"{name!a} contains U+{ord(character):04X}, which is not seen"
                return NameFault(Code.NAME_INVISIBLE, what)
        if unicodedata.normalize("NFC", name) != name:
            return NameFault(Code.NAME_NOT_NFC, f"{name!a} is not in Unicode normal form C")
    windows = _WINDOWS_CHARACTERS.intersection(name)
    if windows:
        return NameFault(Code.NAME_WINDOWS_CHARACTER, f"{name!r} contains {min(windows)!r}")
    return None


def _is_unseen(character: str) -> bool:
    category = unicodedata.category(character)
    other_space = category == "Zs" and character != " "
    return category in _UNSEEN_CATEGORIES or other_space or ord(character) in _UNSEEN


def _parts_fault(name: str) -> NameFault | None:
    parts = name.split("/")
    if len(parts) > MAX_DEPTH:
        return NameFault(Code.NAME_DEPTH, f"{name[:40]!r}… is {len(parts)} deep, at most {MAX_DEPTH} are possible")
    return next(filter(None, map(_part_fault, parts)), None)


# The same few folders occur in the names of a thousand files.
@functools.lru_cache(maxsize=4096)
def _part_fault(part: str) -> NameFault | None:
    if part in {".", ".."}:
        return NameFault(Code.NAME_DOTS, f"a part of the name is {part!r}")
    if not part:
        return NameFault(Code.NAME_EMPTY_PART, "a part of the name is empty")
    if part[-1] in ". ":
        return NameFault(Code.NAME_WINDOWS_ENDING, f"the part {part!r} ends with {part[-1]!r}")
    if part.partition(".")[0].rstrip(" ").upper() in _WINDOWS_DEVICES:
        return NameFault(Code.NAME_WINDOWS_RESERVED, f"the part {part!r} is a device on Windows")
    if len(part.encode()) > MAX_PART_BYTES:
        return NameFault(Code.NAME_PART_LENGTH, f"the part {part[:40]!r}… is longer than {MAX_PART_BYTES} bytes")
    return None


def fold(name: str) -> str:
    """Return what a case-insensitive, normalising file system could take `name` for (NFKC and case folding)."""
    if name.isascii():
        return name.lower()
    # Folding can undo the normal form and the other way round: twice is stable (Unicode 3.13, D146).
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", once.casefold())


class NameSet:
    """The names of one bundle; `add` refuses a name that cannot lie beside the earlier ones."""

    __slots__ = ("_files", "_folders")

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, name: str) -> NameFault | None:
        """Record `name` and return the fault it has, alone or beside the names recorded earlier."""
        fault = name_fault(name) or self._file_fault(name) or self._folder_fault(name)
        self._files.setdefault(fold(name), name)
        return fault

    def _file_fault(self, name: str) -> NameFault | None:
        folded = fold(name)
        earlier = self._files.get(folded)
        if earlier == name:
            return NameFault(Code.NAME_DUPLICATE, f"{name!r} occurs twice")
        if earlier is not None:
            what = f"{name!a} and {earlier!a} are the same name on some systems"
            return NameFault(Code.NAME_COLLISION, what)
        if folded in self._folders:
            return NameFault(Code.NAME_FILE_AND_FOLDER, f"{name!r} is a file here and a folder elsewhere")
        return None

    def _folder_fault(self, name: str) -> NameFault | None:
        folder = name.rpartition("/")[0]
        # What was said of a folder holds for every file in it: whatever could contradict it later is refused itself.
        while folder and self._folders.get(fold(folder)) != folder:
            folded = fold(folder)
            if folded in self._files:
                return NameFault(Code.NAME_FILE_AND_FOLDER, f"{folder!r} is a folder in {name!r} and a file elsewhere")
            earlier = self._folders.setdefault(folded, folder)
            if earlier != folder:
                what = f"the folders {folder!a} and {earlier!a} are the same on some systems"
                return NameFault(Code.NAME_COLLISION, what)
            folder = folder.rpartition("/")[0]
        return None
