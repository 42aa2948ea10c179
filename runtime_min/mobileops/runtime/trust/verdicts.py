"""Remember that a bundle was trusted, so that asking again costs a few digests instead of an import of sigstore.

A verdict is the answer to a `Question`: archive, signature, policy, pins, the policy's serial and the verifier, each by
its digest, asked of this version of ours. It also lists the files of the roots that the verification read; recalling
it reads them again. Nothing has to be invalidated: what changes asks another question. Refusals are not remembered.

Who could write a verdict could have any bundle called trusted, so an entry counts only if all of this holds:

- folder and entry belong to this account, are open to nobody else, and are no links: another account cannot plant one;
- the entry carries a keyed BLAKE2b over its own name and its content. The key, 32 random bytes, is made with the first
  entry. So what came from another home or out of a backup, was moved to another question, cut, or written by a program
  that may write files here but not read the key, is not taken for an answer.

Whoever has this account's rights can read the key, but can change the trust policy just as well. Anything that is wrong
with an entry makes it a miss: the bundle is verified. The store never takes a verdict for a proof: an install verifies.

This module is the whole cost of asking again, so it imports little: no typing, pathlib, json or re.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import time

from mobileops.runtime import __version__

TYPE_CHECKING = False  # as in typing, whose import would be most of the cost
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

FORMAT: Final = "1"
KEY_NAME: Final = "key"
KEY_BYTES: Final = 32
MAC_BYTES: Final = 32
MAX_ENTRY_BYTES: Final = 64 << 10
MAX_ENTRIES: Final = 512
MAX_INPUT_BYTES: Final = 4 << 20
ABSENT: Final = "absent"
_PERSON: Final = b"mobileopsverdict"


class Verdict:
    """A remembered answer: the bundle is trusted.

    Attributes:
        report: what is printed for a person.
        json: what is printed for a program.
        anchors: path -> SHA-256 of every file of a root, lowercase hex; ``absent`` for one that was not there.
        warnings: text -> seconds since the epoch from which on it is said.
    """

    __slots__ = ("anchors", "json", "report", "warnings")

    def __init__(self, report: str, json: str, *, anchors: dict[str, str], warnings: dict[str, int]) -> None:
        """Keep the values."""
        self.report = report
        self.json = json
        self.anchors = anchors
        self.warnings = warnings

    def due(self) -> list[str]:
        """Return the warnings whose time has come."""
        now = time.time()
        return [text for text, since in self.warnings.items() if now >= since]

    def encode(self) -> bytes:
        """Return the verdict as netstrings: ``Verdict.decode(v.encode())`` has the values of ``v``."""
        fields = [self.report, self.json, str(len(self.anchors))]
        fields += [part for pair in self.anchors.items() for part in pair]
        fields += [part for text, since in self.warnings.items() for part in (text, str(since))]
        encoded = [field.encode() for field in fields]
        return b"".join(b"%d:%s," % (len(field), field) for field in encoded)

    @classmethod
    def decode(cls, data: bytes) -> Verdict:
        """Read what ``encode`` wrote.

        Raises:
            ValueError: it is something else.
        """
        fields = []
        while data:
            size, colon, rest = data.partition(b":")
            end = int(size)
            if not colon or rest[end : end + 1] != b",":
                message = "not a netstring"
                raise ValueError(message)
            fields.append(rest[:end].decode())
            data = rest[end + 1 :]
        report, json, count, *pairs = fields
        split = 2 * int(count)
        anchors = dict(zip(pairs[:split:2], pairs[1:split:2], strict=True))
        warnings = dict(zip(pairs[split::2], map(int, pairs[split + 1 :: 2]), strict=True))
        return cls(report, json, anchors=anchors, warnings=warnings)


class Question:
    """Everything that a verdict depends on, but for the files of the roots.

    Attributes:
        parts: the path of the archive as it was named, then SHA-256 digests in lowercase hex (``absent`` for a file
            that is not there): archive, signature, each file of the home, the version of the verifier.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[str, ...]) -> None:
        """Keep the values."""
        self.parts = parts

    @classmethod
    def ask(cls, bundle: str, inputs: Sequence[str], *, signature: str) -> Question | None:
        """Return the question about a bundle, None if it or its signature cannot be read.

        Args:
            bundle: path of the archive.
            inputs: paths of the policy, the pins, and the record of the policy's serial.
            signature: path of the signature file.
        """
        archive, signed = digest(bundle, limit=None), digest(signature)
        if ABSENT in {archive, signed}:
            return None
        return cls((bundle, archive, signed, *map(digest, inputs), _verifier()))

    def answered_by(self, archive_sha256: str, signature: bytes) -> bool:
        """Tell whether what was verified is what is asked about: the files may have been exchanged meanwhile."""
        return self.parts[1:3] == (archive_sha256, hashlib.sha256(signature).hexdigest())

    def encode(self) -> bytes:
        """Return the parts and our own version as netstrings: different questions have different encodings."""
        return b"".join(b"%d:%s," % (len(part.encode()), part.encode()) for part in (FORMAT, __version__, *self.parts))


def recall(folder: str, question: Question) -> Verdict | None:
    """Return the verdict on a question, None if there is none that counts."""
    import hmac  # noqa: PLC0415 - only here

    try:
        with Vault(folder) as vault:
            key = vault.read(KEY_NAME, limit=KEY_BYTES)
            name = _mac(key, b"name", question.encode()).hex()
            data = vault.read(name, limit=MAX_ENTRY_BYTES)
        body = data[MAC_BYTES:]
        if len(key) != KEY_BYTES or not hmac.compare_digest(data[:MAC_BYTES], _mac(key, name.encode(), body)):
            return None
        verdict = Verdict.decode(body)
    except (OSError, ValueError):
        return None
    return verdict if all(digest(path) == known for path, known in verdict.anchors.items()) else None


def remember(folder: str, question: Question, verdict: Verdict) -> None:
    """Keep a verdict; a disk that refuses, or a folder that is not this account's alone, keeps nothing."""
    body = verdict.encode()
    try:
        with Vault(folder) as vault:
            key = vault.read_or_make(KEY_NAME, lambda: os.urandom(KEY_BYTES))
            if len(body) > MAX_ENTRY_BYTES - MAC_BYTES:
                return
            if len(key) != KEY_BYTES:  # cut off by a crash; what was kept under it counts no more
                key = os.urandom(KEY_BYTES)
                vault.replace(KEY_NAME, key)
            name = _mac(key, b"name", question.encode()).hex()
            vault.evict(keep=MAX_ENTRIES - 1)
            vault.replace(name, _mac(key, name.encode(), body) + body)
    except OSError:
        return


class Vault:
    """A folder that belongs to this account alone, held open: every access goes through its descriptor."""

    __slots__ = ("_descriptor",)

    def __init__(self, folder: str) -> None:
        """Open a folder; OSError unless it is private and no link."""
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if not _private(os.fstat(self._descriptor)):
            os.close(self._descriptor)
            message = "not a private folder"
            raise OSError(message)

    def __enter__(self) -> Vault:  # noqa: PYI034 - typing.Self would import typing
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self, name: str, *, limit: int) -> bytes:
        """Return a file's content; OSError unless it is a regular, private, small file with one name."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=self._descriptor)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or not _private(found) or found.st_nlink != 1 or found.st_size > limit:
                message = "not a private file"
                raise OSError(message)
            return os.read(descriptor, limit)
        finally:
            os.close(descriptor)

    def read_or_make(self, name: str, content: Callable[[], bytes]) -> bytes:
        """Return a file's content; made when it is missing."""
        made = content()
        try:
            self._write(name, made)
        except FileExistsError:
            return self.read(name, limit=len(made))
        return made

    def replace(self, name: str, content: bytes) -> None:
        """Write a file at once or not at all; a crash loses it at worst, which is a miss."""
        temporary = f".{name}.{os.getpid()}"
        self._write(temporary, content)
        os.replace(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def evict(self, *, keep: int) -> None:
        """Remove the oldest entries beyond a number."""
        names = [name for name in os.listdir(self._descriptor) if name != KEY_NAME]  # noqa: PTH208 - by descriptor
        if len(names) > keep:
            names.sort(key=lambda name: os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mtime_ns)
            for name in names[: len(names) - keep]:
                os.unlink(name, dir_fd=self._descriptor)

    def _write(self, name: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=self._descriptor)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)


def digest(path: str, *, limit: int | None = MAX_INPUT_BYTES) -> str:
    """Return the SHA-256 of a file; ``absent`` if it cannot be read, is too large, or is no regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ABSENT
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or (limit is not None and found.st_size > limit):
            return ABSENT
        return hashlib.file_digest(file, "sha256").hexdigest()


def _private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _mac(key: bytes, name: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(
        b"%d:%s,%s" % (len(name), name, body), key=key, digest_size=MAC_BYTES, person=_PERSON
    ).digest()


def _verifier() -> str:
    """Return the digest of the file in which sigstore says its version: a mended verifier is asked again."""
    for place in sys.path:
        found = digest(f"{place or '.'}/sigstore/__init__.py")
        if found != ABSENT:
            return found
    return ABSENT
