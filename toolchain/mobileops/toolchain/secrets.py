"""Recognise what must never be published: private keys and access tokens.

The shapes are those that their issuers document as recognisable (RFC 7468 for keys; AWS, GitHub, GitLab, Slack, Stripe,
npm and PyPI for tokens). Guessing at other strings would refuse honest files, so it is not tried.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SCANNED_BYTES: Final = 1 << 20
"""Larger files are data; a secret in them is out of reach of this check."""

_BINARY_PROBE_BYTES: Final = 4096

# A plain substring search rules out almost every file at memory speed; only then the exact shape is looked at.
# Before that, one byte that the substrings have in common is looked for, ten times faster still.
_KEY: Final = (b"-", b"PRIVATE KEY-----", rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----", "a private key")
_SHAPES: Final = (
    _KEY,
    (b"K", b"AKIA", rb"\bAKIA[0-9A-Z]{16}\b", "an AWS access key"),
    (b"_", b"ghp_", rb"\bghp_[A-Za-z0-9]{36}\b", "a GitHub token"),
    (b"_", b"github_pat_", rb"\bgithub_pat_[A-Za-z0-9_]{60,}", "a GitHub token"),
    (b"-", b"glpat-", rb"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token"),
    (b"-", b"xoxb-", rb"\bxoxb-[0-9]{6,}-[A-Za-z0-9-]{10,}", "a Slack token"),
    (b"_", b"sk_live_", rb"\bsk_live_[A-Za-z0-9]{16,}", "a Stripe key"),
    (b"_", b"npm_", rb"\bnpm_[A-Za-z0-9]{36}\b", "an npm token"),
    (b"-", b"pypi-AgE", rb"\bpypi-AgE[A-Za-z0-9_-]{50,}", "a PyPI token"),
)
_BYTES: Final = tuple(sorted({byte for byte, _, _, _ in _SHAPES}))


class Secret(NamedTuple):
    """Where a secret is; never the secret itself.

    Attributes:
        kind: such as ``a GitHub token``.
        line: counted from 1.
        column: counted from 1 in characters.
    """

    kind: str
    line: int
    column: int

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.kind} on line {self.line}"


def find_secret(data: bytes) -> Secret | None:
    """Return what kind of secret the content of a file holds and where, or None.

    Binary files are only searched for private keys.
    """
    if len(data) > MAX_SCANNED_BYTES:
        return None
    if b"\0" in data[:_BINARY_PROBE_BYTES]:
        shapes: Iterable[tuple[bytes, bytes, bytes, str]] = (_KEY,)
    else:
        absent = [byte for byte in _BYTES if byte not in data]
        shapes = [shape for shape in _SHAPES if shape[0] not in absent] if absent else _SHAPES
    for _, needle, shape, kind in shapes:
        if needle in data and (match := re.search(shape, data)):
            before = data[: match.start()]
            return Secret(kind, before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode(errors="replace")) + 1)
    return None
