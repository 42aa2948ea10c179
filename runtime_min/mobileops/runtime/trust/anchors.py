"""Read the files that roots are made of, once: what was hashed for the cached verdict is what is verified with."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.runtime.bounded import read_regular
from mobileops.runtime.trust import public_root
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mobileops.errors import TrustRefused
    from mobileops.runtime.trust.rules import Root, Rules

MAX_ROOT_BYTES: Final = 4 << 20
MAX_KEY_BYTES: Final = 64 << 10


class Anchors(NamedTuple):
    """The content of a policy's roots.

    Attributes:
        trusted_roots: root of certificates -> its ``TrustedRoot``, JSON, not yet parsed.
        keys: root of keys -> (path, PEM) of each of its files.
        digests: path -> SHA-256 of every file that was looked at, lowercase hex; None for one that is not there.
    """

    trusted_roots: dict[Root, bytes]
    keys: dict[Root, tuple[tuple[str, bytes], ...]]
    digests: dict[str, str | None]


def read(roots: Sequence[Root]) -> Anchors:
    """Read every file of every root.

    Raises:
        TrustRefused: ``MOP3106`` a root file, ``MOP3109`` a key file is missing or cannot be read.
    """
    found = Anchors({}, {}, {})
    for root in roots:
        if root.trusted_root is None:
            found.keys[root] = tuple((str(path), _key(path, found)) for path in root.keys)
        else:
            data = _trusted_root(root, root.trusted_root, found)
            if data is not None:
                found.trusted_roots[root] = data
    return found


def unusable(root: Root, reason: str) -> TrustRefused:
    """Return the refusal of a root whose file cannot be used."""
    return refuse(
        Code.ROOT_UNUSABLE,
        f"the trust root {root.name!r} cannot be used: {reason}",
        where=str(root.trusted_root),
        fix="put the pinned file back, or take the root out of the trust policy",
    )


def _trusted_root(root: Root, path: Path, found: Anchors) -> bytes | None:
    """Return the content of a root file, None if it is optional and not there."""
    try:
        data = read_regular(path, limit=MAX_ROOT_BYTES)
    except FileNotFoundError as error:
        if not root.optional:
            raise unusable(root, "there is no such file") from error
        found.digests[str(path)] = None
        return None
    except OSError as error:
        raise unusable(root, str(error.strerror)) from error
    found.digests[str(path)] = hashlib.sha256(data).hexdigest()
    return data


def _key(path: Path, found: Anchors) -> bytes:
    try:
        data = read_regular(path, limit=MAX_KEY_BYTES)
    except OSError as error:
        what = f"a key of the trust policy cannot be read: {error.strerror}"
        raise refuse(Code.KEY_UNUSABLE, what, where=path, fix="put the key file back, or take it out") from error
    found.digests[str(path)] = hashlib.sha256(data).hexdigest()
    return data


def dated(roots: Sequence[Root]) -> Iterator[tuple[Root, datetime]]:
    """Yield each root of certificates that somebody else runs, with the time from which its file is.

    That is the date of the release for the root that ships, and the time of the file's last change for any other.
    """
    for root in roots:
        if root.trusted_root is None or root.assurance == "local":
            continue
        if root.trusted_root == public_root.PATH:
            yield root, datetime.combine(public_root.DATE, datetime.min.time(), UTC)
        elif root.trusted_root.exists():
            yield root, datetime.fromtimestamp(root.trusted_root.stat().st_mtime, UTC)


def age_warnings(rules: Rules) -> dict[str, int]:
    """Return what is said about roots that get old: text -> seconds since the epoch from which on it is said.

    An old root still verifies; it may not know an authority or a log that was added or withdrawn since.
    """
    days = rules.max_root_age_days
    if days is None:
        return {}
    found = {}
    for root, since in dated(rules.roots):
        newer = (
            "mobileops trust update fetches the present one" if root.assurance == "public" else "ask for a newer file"
        )
        text = f"the trust root {root.name!r} is from {since.date()}, more than {days} days ago: {newer}"
        found[text] = int((since + timedelta(days=days)).timestamp())
    return found
