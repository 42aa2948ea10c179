"""The part ``revoked`` of ``trust.json``: what is not accepted any more."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from mobileops.runtime.trust.rules import Revoked, RevokedIdentity
from mobileops.runtime.trust.values import object_, text, texts, wrong

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_KEY_HINT: Final = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DEMANDS: Final = ("issuer", "identity", "repository_id", "owner_id")


def parse(value: object, at: str) -> Revoked:
    """Return what the list says.

    Raises:
        TrustRefused: ``MOP3102``, ``MOP3103``.
    """
    entry = object_(value, at, required=set(), optional={"sha256", "key_hints", "identities"})
    identities = entry.get("identities", [])
    if not isinstance(identities, list):
        raise wrong("a value is not a list", f"{at}/identities")
    return Revoked(
        frozenset(texts(entry.get("sha256", []), f"{at}/sha256", _SHA256, like="64 small hexadecimal digits")),
        frozenset(
            texts(
                entry.get("key_hints", []),
                f"{at}/key_hints",
                _KEY_HINT,
                like="the key_hint that 'mobileops verify' shows",
            )
        ),
        tuple(_identity(item, f"{at}/identities/{place}") for place, item in enumerate(identities)),
    )


def _identity(value: object, at: str) -> RevokedIdentity:
    entry = object_(value, at, required=set(), optional={*_DEMANDS, "after"})
    if not entry.keys() & {"identity", "repository_id", "owner_id"}:
        what = "the entry revokes everybody"
        raise wrong(what, at, fix="name an identity, a repository_id or an owner_id")
    return RevokedIdentity(
        **{key: text(entry[key], f"{at}/{key}") for key in _DEMANDS if key in entry},
        after=_time(entry["after"], f"{at}/after") if "after" in entry else None,
    )


def _time(value: object, at: str) -> datetime:
    """Return a time that is written in the one accepted form of RFC 3339."""
    written = text(value, at)
    try:
        if _TIME.fullmatch(written):
            return datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:  # the form of a time, but no time
        pass
    raise wrong(f"{written!r:.40} is not a time in UTC", at, fix="write it like 2026-11-01T00:00:00Z")
