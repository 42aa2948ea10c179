"""requirements.txt: the locked, hashed form of the manifest's ``dependencies``, written by ``mobileops lock``.

The first line records the dependencies it was made from, so that a later edit of the manifest shows; the rest is what
pip and uv read: ``name==version`` with one or more ``--hash=sha256:…``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packaging.requirements import Requirement

LOCK_FILE: Final = "requirements.txt"
MAX_LOCK_BYTES: Final = 4 << 20
_HEADER: Final = "# mobileops lock: "
_PINNED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*==")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")
_FIX: Final = "run 'mobileops lock' and commit requirements.txt"


def header(dependencies: Iterable[str]) -> str:
    """Return the first line of the lock file of `dependencies` (PEP 508)."""
    return _HEADER + json.dumps(_normal(dependencies))


def read_lock(source: Path, dependencies: tuple[str, ...]) -> str | None:
    """Return the text of the lock file in `source` if there is something to install, else None.

    Raises:
        PackagingError: it is missing though there are dependencies (MOP2416), or does not fit them (MOP2417).
    """
    text = _read(source / LOCK_FILE)
    pins = [] if text is None else _pins(text)
    if not dependencies:
        if pins:
            what = f"{LOCK_FILE} pins {pins[0].name!r}, but plugin.json has no dependencies"
            fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, fix="add it to 'dependencies' and run 'mobileops lock'")
        return None
    wanted = header(dependencies)
    if text is None or not pins:
        what = f"plugin.json depends on {dependencies[0]!r} and {LOCK_FILE} does not lock it"
        fail(PackCode.LOCK_MISSING, what, where=LOCK_FILE, fix=_FIX)
    if wanted not in text.splitlines()[:1]:
        what = f"{LOCK_FILE} was not made from the dependencies in plugin.json"
        fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, why=f"its first line must be {wanted!r}", fix=_FIX)
    _check_pins(pins, dependencies)
    return text


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_LOCK_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"{LOCK_FILE} cannot be read: {error.strerror}"
        fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, fix=_FIX, cause=error)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        fail(PackCode.LOCK_DRIFT, f"{LOCK_FILE} is not UTF-8", where=LOCK_FILE, fix=_FIX, cause=error)


def _pins(text: str) -> list[Requirement]:
    """Return the requirements of a lock file; everything must be pinned by hash."""
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        body = line.partition(" #")[0].strip()
        if not body or body.startswith("#"):
            continue
        requirement, hashes = body.partition("--hash=")[::2]
        if body.startswith("-") or not hashes:
            what = f"{LOCK_FILE} has the line {body[:80]!r} without a hash"
            fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, why="only hashed pins are installed", fix=_FIX)
        pins.append(parse_requirement(requirement.strip(), where=LOCK_FILE))
    return pins


def locked_hashes(text: str) -> dict[str, tuple[str, ...]]:
    """Return normal name -> SHA-256 that a checked lock file accepts for it, lowercase hex digits, sorted."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - most plugins have no dependencies

    found: dict[str, set[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        name = _PINNED.match(line)
        if name:
            found.setdefault(canonicalize_name(name[1]), set()).update(_HASH.findall(line))
    return {name: tuple(sorted(hashes)) for name, hashes in found.items()}


def _check_pins(pins: list[Requirement], dependencies: tuple[str, ...]) -> None:
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - most plugins have no dependencies

    pinned = {canonicalize_name(pin.name): pin for pin in pins}
    for text in dependencies:
        dependency = parse_requirement(text, where="plugin.json#/dependencies")
        if dependency.marker is not None and not dependency.marker.evaluate():
            continue
        pin = pinned.get(canonicalize_name(dependency.name))
        versions = [specifier.version for specifier in pin.specifier] if pin is not None else []
        if len(versions) != 1 or not dependency.specifier.contains(versions[0], prereleases=True):
            what = f"{LOCK_FILE} pins no version of {dependency.name!r} that fits {text!r}"
            fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, fix=_FIX)


def parse_requirement(text: str, *, where: str) -> Requirement:
    """Return a PEP 508 requirement.

    Raises:
        PackagingError: MOP2420.
    """
    # Imported here: most plugins have no dependencies, and it costs as much as packing one.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        what = f"{text[:80]!r} is not a requirement"
        why = "dependencies are PEP 508 strings"
        fail(PackCode.REQUIREMENT, what, where=where, why=why, fix="write for example 'numpy>=2,<3'", cause=error)
    if requirement.url is not None:
        what = f"{text[:80]!r} names a URL"
        why = "dependencies come from the package index, pinned by hash"
        fail(PackCode.REQUIREMENT, what, where=where, why=why, fix="publish the package, or copy it into lib/")
    return requirement


def _normal(dependencies: Iterable[str]) -> list[str]:
    return sorted(str(parse_requirement(text, where="plugin.json#/dependencies")) for text in dependencies)
