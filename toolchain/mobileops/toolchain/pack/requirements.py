r"""requirements.txt: the locked, hashed form of the manifest's ``dependencies``, written by ``mobileops lock``.

The first line records the dependencies it was made from, so that a later edit of the manifest shows, the second the
targets it is for. The rest is what pip and uv read: ``name==version ; marker`` with one ``--hash=sha256:…`` for each
wheel that fits a target, and below it, as comments, the names of those wheels::

    # mobileops lock: ["numpy<3,>=2"]
    # for: linux_aarch64-cp311 linux_x86_64-cp311
    numpy==2.4.6 \
        --hash=sha256:…
    # wheel: numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl sha256:…
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.plan import LOCK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from packaging.requirements import Requirement
    from packaging.tags import Tag

    from mobileops.toolchain.pack.targets import Target

MAX_LOCK_BYTES: Final = 4 << 20
_HEADER: Final = "# mobileops lock: "
_TARGETS: Final = "# for: "
_SDISTS: Final = "# sdists: allowed"
_WHEEL: Final = re.compile(r"# wheel: (\S+\.whl) sha256:([0-9a-f]{64})")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")
_FIX: Final = "run 'mobileops lock' and commit requirements.txt"


class Pin(NamedTuple):
    """One distribution in one version.

    Attributes:
        requirement: ``name==version``, perhaps with a marker.
        hashes: SHA-256 that are accepted, lowercase hex digits, sorted.
        options: the text of its ``--hash`` options.
    """

    requirement: Requirement
    hashes: tuple[str, ...]
    options: str

    @property
    def name(self) -> str:
        """Return the normal name (PEP 503)."""
        from packaging.utils import canonicalize_name  # noqa: PLC0415 - most plugins have no dependencies

        return canonicalize_name(self.requirement.name)

    def holds(self, environments: Iterable[Mapping[str, str]]) -> bool:
        """Tell whether it is wanted in one of the environments."""
        marker = self.requirement.marker
        return marker is None or any(marker.evaluate(dict(environment)) for environment in environments)


class Lock(NamedTuple):
    """A lock file that fits the manifest.

    Attributes:
        pins: what it locks.
        targets: tags of the targets it is for; empty when it does not say.
        wheels: SHA-256 -> name of the wheel.
        sdists: whether packages may be built from source.
    """

    pins: tuple[Pin, ...]
    targets: frozenset[str]
    wheels: Mapping[str, str]
    sdists: bool

    def select(self, environments: Iterable[Mapping[str, str]]) -> tuple[Pin, ...]:
        """Return the pins that at least one of the environments wants.

        Raises:
            PackagingError: two versions of one distribution are wanted (MOP2476).
        """
        chosen: dict[str, Pin] = {}
        known = [dict(environment) for environment in environments]
        for pin in self.pins:
            if not pin.holds(known):
                continue
            other = chosen.setdefault(pin.name, pin)
            if other.requirement.specifier != pin.requirement.specifier:
                what = f"{pin.name!r} is locked as{other.requirement.specifier} and as {pin.requirement.specifier}"
                fix = "package for one Python at a time, with --platform linux_x86_64-cp312 for example"
                fail(PackCode.TWO_VERSIONS, what.replace("as=", "as ="), where=LOCK_FILE, fix=fix)
        return tuple(chosen.values())

    def tags_of(self, pin: Pin) -> frozenset[Tag]:
        """Return the tags of the wheels that are locked for a pin, as far as the lock has their names."""
        return frozenset(tag for digest in pin.hashes for tag in wheel_tags(self.wheels.get(digest, "")))

    def digests_of(self, pin: Pin, tags: frozenset[str]) -> tuple[str, ...]:
        """Return the SHA-256 of the wheel of a pin that has exactly `tags`, or all when the lock does not tell."""
        same = [one for one in pin.hashes if {str(tag) for tag in wheel_tags(self.wheels.get(one, ""))} == set(tags)]
        return tuple(same) if len(same) == 1 else pin.hashes


def wheel_tags(name: str) -> frozenset[Tag]:
    """Return the tags in the file name of a wheel; none when it is no such name."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename  # noqa: PLC0415 - see Pin.name

    try:
        return frozenset(parse_wheel_filename(name)[3])
    except InvalidWheelFilename:
        return frozenset()


def header(dependencies: Iterable[str], targets: Iterable[Target] = (), *, sdists: bool = False) -> str:
    """Return the first lines of the lock file of `dependencies` (PEP 508), with a final newline."""
    tags = " ".join(sorted(map(str, targets)))
    lines = [_HEADER + json.dumps(_normal(dependencies)), *([_TARGETS + tags] if tags else [])]
    return "\n".join([*lines, *([_SDISTS] if sdists else []), ""])


def read_lock(source: Path, dependencies: tuple[str, ...], *, environments: Iterable[Mapping[str, str]]) -> Lock | None:
    """Return the lock file in `source` if there is something to install, else None.

    Args:
        source: folder of the plugin.
        dependencies: of the manifest.
        environments: marker variables of the systems that a dependency may be for.

    Raises:
        PackagingError: it is missing though there are dependencies (MOP2416), or does not fit them (MOP2417).
    """
    text = _read(source / LOCK_FILE)
    pins = () if text is None else tuple(_pins(text))
    if not dependencies:
        if pins:
            what = f"{LOCK_FILE} pins {pins[0].requirement.name!r}, but plugin.json has no dependencies"
            fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, fix="add it to 'dependencies' and run 'mobileops lock'")
        return None
    if text is None or not pins:
        what = f"plugin.json depends on {dependencies[0]!r} and {LOCK_FILE} does not lock it"
        fail(PackCode.LOCK_MISSING, what, where=LOCK_FILE, fix=_FIX)
    lines, wanted = text.splitlines(), header(dependencies).rstrip("\n")
    if wanted not in lines[:1]:
        what = f"{LOCK_FILE} was not made from the dependencies in plugin.json"
        fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, why=f"its first line must be {wanted!r}", fix=_FIX)
    _check_pins(pins, dependencies, tuple(environments))
    targets = [line.removeprefix(_TARGETS) for line in lines[1:3] if line.startswith(_TARGETS)]
    wheels = {match[2]: match[1] for match in map(_WHEEL.fullmatch, lines) if match}
    return Lock(pins, frozenset(" ".join(targets).split()), wheels, _SDISTS in lines[1:3])


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


def _pins(text: str) -> list[Pin]:
    """Return the requirements of a lock file; everything must be pinned by hash."""
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        body = line.partition(" #")[0].strip()
        if not body or body.startswith("#"):
            continue
        requirement, hashes, rest = body.partition("--hash=")
        if body.startswith("-") or not hashes:
            what = f"{LOCK_FILE} has the line {body[:80]!r} without a hash"
            fail(PackCode.LOCK_DRIFT, what, where=LOCK_FILE, why="only hashed pins are installed", fix=_FIX)
        options = hashes + rest
        parsed = parse_requirement(requirement.strip(), where=LOCK_FILE)
        pins.append(Pin(parsed, tuple(sorted(_HASH.findall(options))), options))
    return pins


def _check_pins(
    pins: Iterable[Pin], dependencies: tuple[str, ...], environments: tuple[Mapping[str, str], ...]
) -> None:
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - most plugins have no dependencies

    for text in dependencies:
        dependency = parse_requirement(text, where="plugin.json#/dependencies")
        marker = dependency.marker
        wanted = [one for one in environments if marker is None or marker.evaluate(dict(one))]
        for environment in wanted:
            own = [pin for pin in pins if pin.name == canonicalize_name(dependency.name) and pin.holds([environment])]
            versions = [specifier.version for pin in own for specifier in pin.requirement.specifier]
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
