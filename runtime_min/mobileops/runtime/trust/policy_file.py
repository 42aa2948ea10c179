"""Read ``trust.json``, strictly; every defect is refused with the JSON pointer of its place.

Schema: ``schema/trust/v1/policy.schema.json``. A key that is unknown is refused, never ignored: an operator who
misspells a restriction must not end up without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args

from mobileops.errors import ManifestError, TrustRefused
from mobileops.manifest.json_text import loads
from mobileops.manifest.permissions import Permission
from mobileops.runtime.trust.bounded import read_regular
from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.rules import Assurance, Publisher, Root, Rules

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

VERSION: Final = 1
MAX_POLICY_BYTES: Final = 1 << 20

_ROOT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PATTERN: Final = re.compile(r"[a-z0-9-]+\*?|\*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ASSURANCES: Final = get_args(Assurance)


def read(path: Path) -> bytes | None:
    """Return the bytes of a policy file, None if there is no file.

    Raises:
        TrustRefused: ``MOP3100``, it cannot be read, is no regular file, or is too large.
    """
    try:
        return read_regular(path, limit=MAX_POLICY_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"the trust policy cannot be read: {error.strerror}"
        raise refuse(Code.POLICY_UNREADABLE, what, where=path, fix="make it readable, or remove it") from error


def parse(data: bytes, *, path: Path, local_root: Path) -> Rules:
    """Return the rules that the bytes of a policy file state.

    Args:
        data: the whole file.
        path: where it lies: files it names are relative to its folder.
        local_root: what ``local_instance`` stands for.

    Raises:
        TrustRefused: ``MOP3101`` to ``MOP3105``.
    """
    try:
        document = loads(data, where=str(path), limit=MAX_POLICY_BYTES)
    except ManifestError as error:
        what = f"the trust policy is not strict JSON: {error.what}"
        raise refuse(Code.POLICY_JSON, what, where=error.where, why=error.why) from error
    at = f"{path}#"
    document = _object(document, at, required={"version", "roots"}, optional={"publishers", "revoked", "unsigned"})
    if document["version"] is True or document["version"] != VERSION:
        raise _wrong(f"the version is {document['version']!r}, not {VERSION}", f"{at}/version")
    if document.get("unsigned", "deny") != "deny":
        raise _wrong(f"{document['unsigned']!r} is not 'deny', the only choice", f"{at}/unsigned")
    roots = _roots(document["roots"], f"{at}/roots", folder=path.parent, local_root=local_root)
    names = {root.name for root in roots}
    publishers = _publishers(document.get("publishers", []), f"{at}/publishers", roots=names)
    revoked = _object(document.get("revoked", {}), f"{at}/revoked", required=set(), optional={"sha256"})
    return Rules(roots, publishers, frozenset(_texts(revoked.get("sha256", []), f"{at}/revoked/sha256", _SHA256)))


def _roots(value: object, at: str, *, folder: Path, local_root: Path) -> tuple[Root, ...]:
    if not isinstance(value, dict):
        raise _wrong("the roots are not an object", at)
    return tuple(
        _root(name, entry, f"{at}/{name}", folder=folder, local_root=local_root) for name, entry in value.items()
    )


def _root(name: str, value: object, at: str, *, folder: Path, local_root: Path) -> Root:
    if not _ROOT_NAME.fullmatch(name):
        raise _wrong(f"{name!r} cannot name a root", at, fix="use small letters, digits and hyphens")
    entry = _object(value, at, required={"assurance"}, optional={"trusted_root", "local_instance"})
    assurance = entry["assurance"]
    if assurance not in _ASSURANCES:
        raise _wrong(f"{assurance!r} is none of {', '.join(_ASSURANCES)}", f"{at}/assurance")
    if ("trusted_root" in entry) == ("local_instance" in entry):
        raise _wrong("a root has either trusted_root or local_instance", at)
    if "trusted_root" in entry:
        return Root(name, folder / _text(entry["trusted_root"], f"{at}/trusted_root"), assurance)
    if entry["local_instance"] is not True or assurance != "local":
        raise _wrong("local_instance is true, with assurance 'local'", at, fix="or leave the root out")
    return Root(name, local_root, "local", optional=True)


def _publishers(value: object, at: str, *, roots: Collection[str]) -> tuple[Publisher, ...]:
    if not isinstance(value, list):
        raise _wrong("the publishers are not a list", at)
    publishers = tuple(_publisher(entry, f"{at}/{place}", roots=roots) for place, entry in enumerate(value))
    claimed: set[str] = set()
    for place, publisher in enumerate(publishers):
        for pattern in publisher.plugins:
            if pattern in claimed:
                what = f"{pattern!r} is claimed twice"
                raise refuse(Code.POLICY_TWICE, what, where=f"{at}/{place}/plugins", fix="keep one of the rules")
            claimed.add(pattern)
    return publishers


def _publisher(value: object, at: str, *, roots: Collection[str]) -> Publisher:
    entry = _object(value, at, required={"plugins", "root", "issuer", "identity"}, optional={"max_permissions"})
    root = _text(entry["root"], f"{at}/root")
    if root not in roots:
        known = ", ".join(sorted(roots)) or "none"
        what = f"the rule names the root {root!r}, which the policy does not have"
        raise refuse(Code.POLICY_ROOT, what, where=f"{at}/root", fix=f"name one of its roots ({known}), or add it")
    plugins = _texts(entry["plugins"], f"{at}/plugins", _PATTERN)
    if not plugins:
        raise _wrong("a rule without plugins rules nothing", f"{at}/plugins", fix="name them, or remove the rule")
    return Publisher(
        plugins=plugins,
        root=root,
        issuer=_text(entry["issuer"], f"{at}/issuer"),
        identity=_text(entry["identity"], f"{at}/identity"),
        max_permissions=_permissions(entry["max_permissions"], at) if "max_permissions" in entry else None,
    )


def _permissions(value: object, at: str) -> tuple[Permission, ...]:
    where = f"{at}/max_permissions"
    try:
        return tuple(Permission.parse(text, where=where) for text in _texts(value, where, None))
    except ManifestError as error:
        raise _wrong(error.what, where, fix=error.fix) from error


def _texts(value: object, at: str, pattern: re.Pattern[str] | None) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong("a value is not a list", at)
    for place, item in enumerate(value):
        text = _text(item, f"{at}/{place}")
        if pattern and not pattern.fullmatch(text):
            raise _wrong(f"{text!r:.80} is malformed", f"{at}/{place}", fix=f"write it like {pattern.pattern}")
    return tuple(value)


def _text(value: object, at: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong("a value is not a string, or empty", at)
    return value


def _object(value: object, at: str, *, required: set[str], optional: set[str]) -> dict[str, Any]:
    """Return an object that has these keys and no others."""
    if not isinstance(value, dict):
        raise _wrong("a value is not an object", at)
    for key in sorted(value.keys() - required - optional):
        known = ", ".join(sorted(required | optional))
        what = f"the key {key!r} is unknown"
        raise refuse(Code.POLICY_KEY, what, where=f"{at}/{key}", fix=f"the keys here are {known}")
    for key in sorted(required - value.keys()):
        raise _wrong(f"the key {key!r} is missing", at)
    return value


def _wrong(what: str, at: str, *, fix: str | None = None) -> TrustRefused:
    return refuse(Code.POLICY_VALUE, what, where=at, fix=fix)
