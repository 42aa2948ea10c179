"""Read ``trust.json``, strictly; every defect is refused with the JSON pointer of its place.

Schema: ``schema/trust/v1/policy.schema.json``. A key that is unknown is refused, never ignored: an operator who
misspells a restriction must not end up without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from mobileops.errors import ManifestError
from mobileops.manifest.json_text import loads
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.trust import public_root, publisher_rules, revocation_list
from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.rules import Assurance, Root, Rules
from mobileops.runtime.trust.values import number, object_, text, texts, wrong

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = 1
MAX_POLICY_BYTES: Final = 1 << 20
SHIPPED_ROOT: Final = public_root.PATH

_ROOT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ASSURANCES: Final = get_args(Assurance)
_KINDS: Final = {"trusted_root": None, "public_instance": "public", "local_instance": "local", "keys": "key"}
"""Key that says what a root is made of -> the only assurance it can have; None: any but ``key``."""


class Files(NamedTuple):
    """Where the files lie that a policy speaks of.

    Attributes:
        folder: what relative paths are relative to.
        local_root: what ``local_instance`` stands for.
        public_root: what ``public_instance`` stands for.
    """

    folder: Path
    local_root: Path
    public_root: Path


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


def parse(data: bytes, *, path: Path, files: Files) -> Rules:
    """Return the rules that the bytes of a policy file state.

    Args:
        data: the whole file.
        path: where it lies, for errors.
        files: where the files lie that it speaks of.

    Raises:
        TrustRefused: ``MOP3101`` to ``MOP3105``.
    """
    try:
        document = loads(data, where=str(path), limit=MAX_POLICY_BYTES)
    except ManifestError as error:
        what = f"the trust policy is not strict JSON: {error.what}"
        raise refuse(Code.POLICY_JSON, what, where=error.where, why=error.why) from error
    at = f"{path}#"
    optional = {"publishers", "revoked", "unsigned", "serial", "max_root_age_days"}
    document = object_(document, at, required={"version", "roots"}, optional=optional)
    if document["version"] is True or document["version"] != VERSION:
        raise wrong(f"the version is {document['version']!r}, not {VERSION}", f"{at}/version")
    if document.get("unsigned", "deny") != "deny":
        raise wrong(f"{document['unsigned']!r} is not 'deny', the only choice", f"{at}/unsigned")
    roots = _roots(document["roots"], f"{at}/roots", files)
    publishers, own = publisher_rules.parse(
        document.get("publishers", []), f"{at}/publishers", roots=roots, folder=files.folder
    )
    return Rules(
        (*roots, *own),
        publishers,
        revocation_list.parse(document.get("revoked", {}), f"{at}/revoked"),
        number(document.get("serial", 0), f"{at}/serial", lowest=0),
        number(document["max_root_age_days"], f"{at}/max_root_age_days", lowest=1)
        if "max_root_age_days" in document
        else None,
    )


def _roots(value: object, at: str, files: Files) -> tuple[Root, ...]:
    if not isinstance(value, dict):
        raise wrong("the roots are not an object", at)
    return tuple(_root(name, entry, f"{at}/{name}", files) for name, entry in value.items())


def _root(name: str, value: object, at: str, files: Files) -> Root:
    if not _ROOT_NAME.fullmatch(name):
        raise wrong(f"{name!r} cannot name a root", at, fix="use small letters, digits and hyphens")
    entry = object_(value, at, required={"assurance"}, optional=set(_KINDS))
    assurance = entry["assurance"]
    if assurance not in _ASSURANCES:
        raise wrong(f"{assurance!r} is none of {', '.join(_ASSURANCES)}", f"{at}/assurance")
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        raise wrong(f"a root has exactly one of {', '.join(_KINDS)}", at)
    (kind,) = kinds
    if assurance != (_KINDS[kind] or assurance) or (kind == "trusted_root" and assurance == "key"):
        what = f"a root with {kind} does not have the assurance {assurance!r}"
        raise wrong(what, f"{at}/assurance", fix=f"write {_KINDS[kind] or 'public, private or local'}")
    if kind == "trusted_root":
        return Root(name, assurance, files.folder / text(entry[kind], f"{at}/{kind}"))
    if kind == "keys":
        paths = texts(entry[kind], f"{at}/{kind}")
        if not paths:
            raise wrong("a root of keys without keys trusts nobody", f"{at}/{kind}", fix="name them, or remove it")
        return Root(name, assurance, keys=tuple(files.folder / path for path in paths))
    if entry[kind] is not True:
        raise wrong(f"{kind} is true", f"{at}/{kind}", fix="or leave the root out")
    if kind == "public_instance":
        return Root(name, assurance, files.public_root)
    return Root(name, assurance, files.local_root, optional=True)
