"""Change ``trust.json`` without leaving the format: what the reader would refuse is not written.

Every change raises the serial, so that the state before it cannot come back. Root and key files are copied into the
home, so that the policy does not depend on a download folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import ManifestError, UsageError
from mobileops.manifest.json_text import loads
from mobileops.runtime import durable
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.trust import host, policy_file, public_root
from mobileops.runtime.trust.anchors import MAX_KEY_BYTES, MAX_ROOT_BYTES, read
from mobileops.runtime.trust.policy import LOCAL_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mobileops.runtime.home import Home

EMPTY: Final[dict[str, Any]] = {
    "version": 1,
    "roots": {LOCAL_ROOT: {"local_instance": True, "assurance": "local"}},
    "unsigned": "deny",
}
"""The default policy, written out."""

LOCK: Final = "trust.lock"
TRUSTED_ROOT_TYPE: Final = "application/vnd.dev.sigstore.trustedroot"
MAX_STEM: Final = 64
DIGEST_DIGITS: Final = 16

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Let nobody else change the policy between `document` and `write`: what they added or revoked would be lost."""
    with durable.locked(home.run / LOCK):
        yield


def document(home: Home) -> dict[str, Any]:
    """Return the policy of a home as JSON, to be changed and given to `write`; both inside `alone`.

    Raises:
        TrustRefused: the present policy is refused.
    """
    host.load_policy(home)  # strict: what is refused is not edited either
    data = policy_file.read(home.trust_policy)
    found: dict[str, Any] = json.loads(json.dumps(EMPTY)) if data is None else json.loads(data)
    return found


def write(home: Home, changed: dict[str, Any]) -> int:
    """Check a changed policy as the reader would, with all its files, write it, and return its new serial.

    Raises:
        TrustRefused: the reader would refuse it; nothing was written.
        OSError: the disk refused.
    """
    serial = host.load_policy(home).rules.serial + 1
    data = json.dumps({**changed, "serial": serial}, indent=2, ensure_ascii=False).encode() + b"\n"
    files = policy_file.Files(home.root, home.sigstore / "trusted_root.json", public_root.PATH)
    rules = policy_file.parse(data, path=home.trust_policy, files=files)
    for root, contents in read(rules.roots).keys.items():
        _check_keys(root.name, contents)
    durable.write(home.trust_policy, data)
    host.load_policy(home)  # records the serial
    return serial


def copy_key(home: Home, source: Path) -> str:
    """Copy a public key into the home and return its path for the policy.

    Raises:
        UsageError: ``MOP3141``, it cannot be read.
        TrustRefused: ``MOP3109``, ``MOP3130`` it is no key that can verify anything.
        OSError: the disk refused.
    """
    from mobileops.runtime.trust import keys  # noqa: PLC0415 - cryptography is slow to import

    data = _given(source, limit=MAX_KEY_BYTES)
    keys.load(data, where=str(source))
    return _copy(home, source, data)


def copy_root(home: Home, source: Path) -> str:
    """Copy a trusted root into the home and return its path for the policy.

    Its certificates are parsed when it first verifies something, because only the optional sigstore can do that.

    Raises:
        UsageError: ``MOP3141``, it cannot be read, or is no ``TrustedRoot``.
        OSError: the disk refused.
    """
    data = _given(source, limit=MAX_ROOT_BYTES)
    try:
        document = loads(data, where=str(source), limit=MAX_ROOT_BYTES)
        usable = document["mediaType"].startswith(TRUSTED_ROOT_TYPE) and document["certificateAuthorities"]
    except (ManifestError, TypeError, KeyError, AttributeError):
        usable = False
    if not usable:
        raise UsageError(
            f"{str(source)!r} is no trusted root",
            code="MOP3141",
            why=f"a root is JSON of the type {TRUSTED_ROOT_TYPE} with at least one certificate authority",
            fix="give the trusted_root.json of the signer's Sigstore",
        )
    return _copy(home, source, data)


def _given(source: Path, *, limit: int) -> bytes:
    try:
        return read_regular(source, limit=limit)
    except OSError as error:
        raise UsageError(
            f"{str(source)!r} cannot be read: {error.strerror}", code="MOP3141", fix="give the path of a file"
        ) from error


def _copy(home: Home, source: Path, data: bytes) -> str:
    """Copy a file under a name that ends in a digest of its content.

    Two keys that are both called ``release.pub`` are two files, or the second would take over the names of the first.
    """
    stem = _UNSAFE.sub("-", source.stem)[:MAX_STEM]
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:DIGEST_DIGITS]}{_UNSAFE.sub('-', source.suffix)[:MAX_STEM]}"
    home.roots.mkdir(mode=0o700, exist_ok=True)
    durable.write(home.roots / name, data, mode=0o644)
    return f"roots/{name}"


def _check_keys(root: str, contents: tuple[tuple[str, bytes], ...]) -> None:
    """Refuse a key that could never verify anything, before the policy names it."""
    from mobileops.runtime.trust import keys  # noqa: PLC0415 - cryptography is slow to import

    for path, pem in contents:
        keys.load(pem, where=f"{path} (root {root})")
