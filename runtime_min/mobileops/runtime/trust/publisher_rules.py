"""The part ``publishers`` of ``trust.json``: who may publish which names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import ManifestError
from mobileops.manifest.permissions import Permission
from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.rules import Publisher, Root
from mobileops.runtime.trust.values import object_, text, texts, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_PATTERN: Final = re.compile(r"[a-z0-9-]+\*?|\*")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
_TEXTS: Final = ("issuer", "identity", "repository", "workflow", "ref", "ref_prefix")
_NUMBERS: Final = ("repository_id", "owner_id")
_LISTS: Final = {"trigger", "max_permissions"}


def parse(
    value: object, at: str, *, roots: Sequence[Root], folder: Path
) -> tuple[tuple[Publisher, ...], tuple[Root, ...]]:
    """Return the rules, and a root for each rule that brings a key of its own.

    Args:
        value: the JSON.
        at: its pointer, for errors.
        roots: the roots of the policy.
        folder: what the paths of keys are relative to.

    Raises:
        TrustRefused: ``MOP3102`` to ``MOP3105``.
    """
    if not isinstance(value, list):
        raise wrong("the publishers are not a list", at)
    own: dict[str, Root] = {}
    known = {root.name: root for root in roots}
    publishers = tuple(
        _publisher(entry, f"{at}/{place}", roots=known, own=own, folder=folder) for place, entry in enumerate(value)
    )
    _refuse_twice(publishers, at)
    return publishers, tuple(own.values())


def _publisher(value: object, at: str, *, roots: dict[str, Root], own: dict[str, Root], folder: Path) -> Publisher:
    entry = object_(value, at, required={"plugins"}, optional={"root", "key", *_TEXTS, *_NUMBERS, *_LISTS})
    plugins = texts(entry["plugins"], f"{at}/plugins", _PATTERN, like="a name, or a prefix like 'acme-*'")
    if not plugins:
        raise wrong("a rule without plugins rules nothing", f"{at}/plugins", fix="name them, or remove the rule")
    if ("root" in entry) == ("key" in entry):
        raise wrong("a rule has either a root or a key", at)
    root = _key(entry["key"], f"{at}/key", own, folder) if "key" in entry else _root(entry["root"], f"{at}/root", roots)
    _check_demands(entry, at, by_key=bool(root.keys))
    return Publisher(
        plugins=plugins,
        root=root.name,
        trigger=_trigger(entry["trigger"], f"{at}/trigger") if "trigger" in entry else None,
        max_permissions=_permissions(entry["max_permissions"], at) if "max_permissions" in entry else None,
        **{key: text(entry[key], f"{at}/{key}") for key in _TEXTS if key in entry},
        **{key: _number(entry[key], f"{at}/{key}") for key in _NUMBERS if key in entry},
    )


def _root(value: object, at: str, roots: dict[str, Root]) -> Root:
    name = text(value, at)
    if name not in roots:
        known = ", ".join(sorted(roots)) or "none"
        what = f"the rule names the root {name!r}, which the policy does not have"
        raise refuse(Code.POLICY_ROOT, what, where=at, fix=f"name one of its roots ({known}), or add it")
    return roots[name]


def _key(value: object, at: str, own: dict[str, Root], folder: Path) -> Root:
    """Return the root that stands for the key of a rule; rules with one key file share it."""
    path = text(value, at)
    return own.setdefault(path, Root(f"key:{path}", "key", keys=(folder / path,), own=True))


def _check_demands(entry: dict[str, Any], at: str, *, by_key: bool) -> None:
    """Refuse a rule that would let anybody in, or that demands what its signatures cannot show."""
    demands = sorted(entry.keys() & {*_TEXTS, *_NUMBERS, "trigger"})
    if by_key and demands:
        raise wrong(f"a rule for a key cannot demand {', '.join(demands)}: a key has no identity", f"{at}/{demands[0]}")
    if by_key:
        return
    if "issuer" not in entry:
        raise wrong("the key 'issuer' is missing", at, fix="say who has to vouch for the signer")
    if not entry.keys() & {"identity", "repository"}:
        what = "the rule accepts whoever the issuer vouches for"
        raise wrong(what, at, fix="demand an identity or a repository")
    if "ref" in entry and "ref_prefix" in entry:
        raise wrong("a rule has either ref or ref_prefix", f"{at}/ref_prefix")


def _number(value: object, at: str) -> str:
    number = text(value, at)
    if not _NUMBER.fullmatch(number):
        raise wrong(f"{number!r:.40} is not a number in a string", at, fix='write it like "1234"')
    return number


def _trigger(value: object, at: str) -> tuple[str, ...]:
    found = texts(value, at)
    if not found:
        raise wrong("no event may start the build", at, fix="name one, or leave the key out")
    return found


def _permissions(value: object, at: str) -> tuple[Permission, ...]:
    where = f"{at}/max_permissions"
    try:
        return tuple(Permission.parse(item, where=where) for item in texts(value, where))
    except ManifestError as error:
        raise wrong(error.what, where, fix=error.fix) from error


def _refuse_twice(publishers: Iterable[Publisher], at: str) -> None:
    claimed: set[str] = set()
    for place, publisher in enumerate(publishers):
        for pattern in publisher.plugins:
            if pattern in claimed:
                what = f"{pattern!r} is claimed twice"
                raise refuse(Code.POLICY_TWICE, what, where=f"{at}/{place}/plugins", fix="keep one of the rules")
            claimed.add(pattern)
