"""What a bundle is for: a platform and a Python, such as ``linux_aarch64-cp312``.

Wheels are chosen for the target and never for the machine that packs, so the same lock gives the same bundle anywhere.
"""

from __future__ import annotations

import functools
import re
import sys
import sysconfig
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.manifest import Version
from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.tags import Tag

    from mobileops.manifest import VersionRange

GLIBC: Final = (2, 28)
"""The oldest GNU C library that a device may have; wheels that need a newer one are not taken."""
_OLDEST_GLIBC: Final = {"x86_64": 5, "aarch64": 17}
_LEGACY: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
MACHINES: Final = tuple(_OLDEST_GLIBC)
PYTHON_MINORS: Final = (11, 12, 13, 14)
"""Of Python 3: those that the platform runs on."""
_TAG: Final = re.compile(r"linux_([a-z0-9_]+?)(?:-cp3([0-9]{1,2}))?")
_LAST_PATCH: Final = 99


class Target(NamedTuple):
    """One platform and one Python.

    Attributes:
        machine: as ``uname -m`` says it.
        minor: of Python 3.
    """

    machine: str
    minor: int

    def __str__(self) -> str:
        """Return the tag."""
        return f"{self.platform}-cp3{self.minor}"

    @property
    def platform(self) -> str:
        """Return the first half of the tag."""
        return f"linux_{self.machine}"

    @property
    def uv_options(self) -> tuple[str, ...]:
        """Return what makes uv choose wheels for it."""
        glibc = f"manylinux_{GLIBC[0]}_{GLIBC[1]}"
        return ("--python-version", f"3.{self.minor}", "--python-platform", f"{self.machine}-{glibc}")

    def markers(self) -> dict[str, str]:
        """Return the environment in which markers (PEP 508) are evaluated."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"3.{self.minor}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"3.{self.minor}.0",
            "python_version": f"3.{self.minor}",
            "sys_platform": "linux",
        }

    def tags(self) -> frozenset[Tag]:
        """Return the tags of the wheels that it takes."""
        return _tags(self)


@functools.cache
def _tags(target: Target) -> frozenset[Tag]:
    from packaging import tags  # noqa: PLC0415 - most plugins have no dependencies

    platforms = list(_platforms(target.machine))
    version = (3, target.minor)
    abis = [f"cp3{target.minor}"]
    compatible = tags.compatible_tags(version, interpreter=f"cp3{target.minor}", platforms=platforms)
    return frozenset((*tags.cpython_tags(version, abis=abis, platforms=platforms), *compatible))


def _platforms(machine: str) -> Iterator[str]:
    for minor in range(GLIBC[1], _OLDEST_GLIBC[machine] - 1, -1):
        yield f"manylinux_{GLIBC[0]}_{minor}_{machine}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{machine}"
    yield f"linux_{machine}"


def running() -> Target:
    """Return the target that this process runs on.

    Raises:
        PackagingError: bundles with native code are not made for this machine (MOP2477).
    """
    machine = sysconfig.get_platform().removeprefix("linux-").replace("-", "_")
    return parse_target(f"linux_{machine}-cp3{sys.version_info.minor}")


def parse_target(text: str) -> Target:
    """Return the target that a tag names; without a Python, that of the running one.

    Raises:
        PackagingError: it names none (MOP2477).
    """
    match = _TAG.fullmatch(text)
    minor = int(match[2]) if match and match[2] else sys.version_info.minor
    if match is None or match[1] not in MACHINES or minor not in PYTHON_MINORS:
        machines = ", ".join(f"linux_{machine}" for machine in MACHINES)
        pythons = ", ".join(f"cp3{one}" for one in PYTHON_MINORS)
        why = f"platforms are {machines}; Pythons are {pythons}"
        fail(PackCode.NO_TARGET, f"{text[:80]!r} is no platform", why=why, fix="write for example linux_aarch64-cp312")
    return Target(match[1], minor)


def pythons_in(versions: VersionRange | None) -> tuple[int, ...]:
    """Return the minor versions of Python 3 that a declared range has a version of.

    Raises:
        PackagingError: there is none (MOP2478).
    """
    found = tuple(minor for minor in PYTHON_MINORS if versions is None or _has(versions, minor))
    if not found:
        fail(
            PackCode.NO_PYTHON,
            f"no Python that the platform runs on is in {str(versions)!r}",
            where="plugin.json#/compatibility/python_version",
            why=f"it runs on 3.{PYTHON_MINORS[0]} to 3.{PYTHON_MINORS[-1]}",
            fix=f"write for example '>=3.{PYTHON_MINORS[0]}'",
        )
    return found


def _has(versions: VersionRange, minor: int) -> bool:
    return any(versions.contains(Version(3, minor, patch)) for patch in range(_LAST_PATCH + 1))
