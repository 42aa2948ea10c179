"""Find where two bundles part: the first member that differs, the bytes, and the likely cause.

The order is that of the bundle, with one exception: what packing derives from the other members
(the SBOM, the API) differs because another member does, and is named only when none does.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from mobileops.bundle import API_MEMBER, MANIFEST_MEMBER, SBOM_MEMBER
from mobileops.bundle.layout import STORED, member_order
from mobileops.toolchain.rebuild.causes import Cause, Verdict, cause_of, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mobileops.bundle import Bundle

MAX_COMPARED_BYTES: Final = 4 << 20
"""How much of a member around the first difference the cause is looked for in."""
_BEFORE_BYTES: Final = 64 << 10
_SHOWN_BYTES: Final = 16
_CHUNK_BYTES: Final = 1 << 20
_DERIVED: Final = (SBOM_MEMBER, API_MEMBER)


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """The first difference.

    Attributes:
        member: its name.
        offset: of the first byte that differs, in the content of the member; in the archive when only the compressed
            form differs; None when the member is in one bundle only or only its mode differs.
        before: some bytes from there, in the bundle.
        after: the same in the rebuilt one.
        verdict: the likely cause.
        members: names of all members that differ, in the order of the bundle.
    """

    member: str
    offset: int | None
    before: bytes
    after: bytes
    verdict: Verdict
    members: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, bytes as hex digits."""
        return {
            "member": self.member,
            "offset": self.offset,
            "before": self.before.hex(),
            "after": self.after.hex(),
            "cause": str(self.verdict.cause),
            "why": self.verdict.why,
            "fix": self.verdict.fix,
            "members": list(self.members),
        }


def first_difference(original: Bundle, rebuilt: Bundle) -> Difference | None:
    """Return the first difference between two open bundles whose members were checked, or None."""
    if original.sha256 == rebuilt.sha256:
        return None
    before, after = original.files.entries, rebuilt.files.entries
    names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    names.sort(key=lambda name: (name in _DERIVED, member_order(name)))
    if not names:
        return _compressed(original, rebuilt)
    name, members = names[0], tuple(sorted(names, key=member_order))
    if name not in before or name not in after:
        return Difference(name, None, b"", b"", _one_sided(name, original, rebuilt), members)
    if before[name].sha256 == after[name].sha256:
        why = f"the mode {before[name].mode:04o} became {after[name].mode:04o}"
        return Difference(name, None, b"", b"", verdict(Cause.MODE, why), members)
    return _content(name, original, rebuilt, members)


def _one_sided(name: str, original: Bundle, rebuilt: Bundle) -> Verdict:
    here, there = (original, rebuilt) if name in original.files.entries else (rebuilt, original)
    alike = [other for other in there.files.entries if _folded(other) == _folded(name)]
    if alike:
        return verdict(Cause.FILE_SYSTEM, f"the other has {alike[0]!a} instead")
    if name.startswith("vendor/"):
        return verdict(Cause.DEPENDENCIES, "it belongs to a vendored dependency that only one of them has")
    if name.endswith((".pyc", ".pyo")):
        return verdict(Cause.BYTECODE, "it is compiled Python, which is not packaged")
    if here is original:
        return verdict(Cause.MISSING, "the source does not have it, or leaves it out")
    return verdict(Cause.EXTRA, "the bundle does not have it")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _content(name: str, original: Bundle, rebuilt: Bundle, members: tuple[str, ...]) -> Difference:
    offset = _first_offset(original.chunks(name), rebuilt.chunks(name))
    start = max(0, offset - _BEFORE_BYTES)
    sizes = (original.files.entries[name].size, rebuilt.files.entries[name].size)
    if max(sizes) <= MAX_COMPARED_BYTES:
        start = 0
    before, after = (_window(bundle.chunks(name), start) for bundle in (original, rebuilt))
    if name == MANIFEST_MEMBER:
        found = verdict(Cause.MANIFEST, _manifest_key(original, rebuilt))
    else:
        found = cause_of(name, before, after)
    at = slice(offset - start, offset - start + _SHOWN_BYTES)
    return Difference(name, offset, before[at], after[at], found, members)


def _manifest_key(original: Bundle, rebuilt: Bundle) -> str:
    left, right = original.manifest.document, rebuilt.manifest.document
    key = min(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))
    return f"the key {key!r} of plugin.json is not the same"


def _first_offset(before: Iterator[bytes], after: Iterator[bytes]) -> int:
    """Return where two streams of bytes part; the shorter one's length when it is the beginning of the other."""
    position = 0
    left = right = b""
    while True:
        left, right = left or next(before, b""), right or next(after, b"")
        size = min(len(left), len(right))
        if left[:size] != right[:size] or not size:
            return position + next((at for at in range(size) if left[at] != right[at]), size)
        left, right, position = left[size:], right[size:], position + size


def _window(chunks: Iterator[bytes], start: int) -> bytes:
    """Return at most `MAX_COMPARED_BYTES` from `start` on."""
    found = bytearray()
    position = 0
    for chunk in chunks:
        found += chunk[max(0, start - position) :] if position + len(chunk) > start else b""
        position += len(chunk)
        if len(found) >= MAX_COMPARED_BYTES:
            break
    return bytes(found[:MAX_COMPARED_BYTES])


def _compressed(original: Bundle, rebuilt: Bundle) -> Difference:
    """Describe two archives with the same members: what the profile leaves open is how they are compressed."""
    offset = _first_offset(_file_chunks(original.path), _file_chunks(rebuilt.path))
    member = next(member for member in original.members if offset < member.end_offset)
    partner = next(other for other in rebuilt.members if other.name == member.name)
    if member.method != partner.method:
        stored = "the bundle stores it" if member.method == STORED else "the rebuilt one stores it"
        why = f"{stored}, the other compresses it"
    else:
        why = f"{member.size} bytes were compressed to {member.compressed_size}, now to {partner.compressed_size}"
    before, after = (_window(_file_chunks(bundle.path), offset)[:_SHOWN_BYTES] for bundle in (original, rebuilt))
    return Difference(member.name, offset, before, after, verdict(Cause.COMPRESSOR, why), (member.name,))


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
