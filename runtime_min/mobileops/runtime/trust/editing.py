"""Change ``trust.json`` without leaving the format: what the reader would refuse is not written.

Every change raises the serial, so that the state before it cannot come back. Root and key files are copied into the
home, so that the policy does not depend on a download folder.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import UsageError
from mobileops.runtime import durable
from mobileops.runtime.trust import host, policy_file, public_root
from mobileops.runtime.trust.anchors import MAX_KEY_BYTES, MAX_ROOT_BYTES, read
from mobileops.runtime.trust.bounded import read_regular
from mobileops.runtime.trust.policy import LOCAL_ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.home import Home

EMPTY: Final[dict[str, Any]] = {
    "version": 1,
    "roots": {LOCAL_ROOT: {"local_instance": True, "assurance": "local"}},
    "unsigned": "deny",
}
"""The default policy, written out."""


def document(home: Home) -> dict[str, Any]:
    """Return the policy of a home as JSON, to be changed and given to `write`.

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


def copy_in(home: Home, source: Path, *, name: str) -> str:
    """Copy a root or key file into the home and return its path for the policy.

    Args:
        home: the home.
        source: the file.
        name: its name there.

    Raises:
        UsageError: ``MOP3141``, it cannot be read.
        OSError: the disk refused.
    """
    try:
        data = read_regular(source, limit=MAX_KEY_BYTES if source.suffix in {".pub", ".pem"} else MAX_ROOT_BYTES)
    except OSError as error:
        raise UsageError(
            f"{str(source)!r} cannot be read: {error.strerror}", code="MOP3141", fix="give the path of a file"
        ) from error
    home.roots.mkdir(mode=0o700, exist_ok=True)
    durable.write(home.roots / name, data, mode=0o644)
    return f"roots/{name}"


def _check_keys(root: str, contents: tuple[tuple[str, bytes], ...]) -> None:
    """Refuse a key that could never verify anything, before the policy names it."""
    from mobileops.runtime.trust import keys  # noqa: PLC0415 - cryptography is slow to import

    for path, pem in contents:
        keys.load(pem, where=f"{path} (root {root})")
