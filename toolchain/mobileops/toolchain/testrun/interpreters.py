"""Which Pythons are installed here, and which of them a plugin is tested with."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.errors import HostFault, UsageError
from mobileops.manifest import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.manifest import VersionRange

MINORS: Final = range(11, 30)
"""Of Python 3: the oldest that the SDK runs on, and as many as will be for a while."""
TIMEOUT_S: Final = 30.0
NOT_INSTALLED: Final = "MOP2610"
NOT_DECLARED: Final = "MOP2611"
_VERSION: Final = re.compile(r"(?:python)?(3\.[0-9]{1,2})")
_SAYS: Final = (
    "import json, sys, sysconfig; print(json.dumps([list(sys.version_info[:3]), sys.implementation.name,"
    " sysconfig.get_config_var('SOABI'), sys.base_prefix]))"
)


class Interpreter(NamedTuple):
    """One Python.

    Attributes:
        path: of its executable.
        version: such as (3, 11, 2).
        abi: what compiled modules are for; two Pythons with the same one can load the same.
        base: where it is installed; that of a virtual environment is its base's.
    """

    path: Path
    version: tuple[int, int, int]
    abi: str
    base: str

    def __str__(self) -> str:
        """Return the version."""
        return "Python " + ".".join(map(str, self.version))


@functools.cache
def look_at(path: Path) -> Interpreter | None:
    """Ask an executable what it is; None when it is no Python that runs the SDK."""
    try:
        done = subprocess.run(  # noqa: S603 - an argument list, no shell
            [str(path), "-I", "-c", _SAYS], capture_output=True, timeout=TIMEOUT_S, check=True, stdin=subprocess.DEVNULL
        )
        version, implementation, abi, base = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):  # a shim of pyenv without that version, for instance
        return None
    if implementation != "cpython" or tuple(version) < (3, MINORS[0]):
        return None
    return Interpreter(path, tuple(version), str(abi), str(base))


def own() -> Interpreter:
    """Return the one that runs this."""
    import sysconfig  # noqa: PLC0415 - only here

    version: Any = sys.version_info[:3]
    return Interpreter(Path(sys.executable), version, str(sysconfig.get_config_var("SOABI")), sys.base_prefix)


def installed(search_path: str | None) -> list[Interpreter]:
    """Return one of each minor version, oldest first: the one that runs this, and of others the first on the path.

    Args:
        search_path: the variable PATH.
    """
    ours = own()
    names = (f"python3.{minor}" for minor in MINORS if minor != ours.version[1])
    paths = [Path(path) for name in names if (path := shutil.which(name, path=search_path))]
    with ThreadPoolExecutor(max(1, len(paths))) as pool:  # a shim of a version manager takes its time
        others = filter(None, pool.map(look_at, paths))
        return sorted((ours, *others), key=lambda one: one.version)


def choose(
    wanted: Sequence[str], declared: VersionRange | None, *, search_path: str | None, given: Path
) -> list[Interpreter]:
    """Return the Pythons to test with.

    Args:
        wanted: versions such as ``3.12``, or paths; none means all that are installed and declared.
        declared: the manifest's ``compatibility.python_version``.
        search_path: the variable PATH.
        given: the folder that relative paths start from.

    Raises:
        HostFault: one that is wanted is not installed, or none that is declared (MOP2610).
        UsageError: one that is wanted is not declared (MOP2611).
    """
    if wanted:
        return [_named(word, declared, search_path, given) for word in dict.fromkeys(wanted)]
    there = installed(search_path)
    allowed: dict[Any, Interpreter] = {}
    for one in there:
        if _is_declared(one, declared):
            allowed.setdefault(one.version[:2], one)
    if not allowed:
        raise HostFault(
            f"no Python that is installed here is declared: {declared}",
            code=NOT_INSTALLED,
            where="plugin.json#/compatibility/python_version",
            why=f"installed are {_listed(there)}",
            fix="install one of the declared versions, or widen the range",
        )
    return list(allowed.values())


def _named(word: str, declared: VersionRange | None, search_path: str | None, given: Path) -> Interpreter:
    version = _VERSION.fullmatch(word)
    if version is not None:
        candidates = [one for one in installed(search_path) if "{}.{}".format(*one.version) == version[1]]
        found = candidates[0] if candidates else None
    else:
        path = given / word if "/" in word else shutil.which(word, path=search_path)
        found = look_at(Path(path)) if path else None
    if found is None:
        raise HostFault(
            f"there is no Python {word!r} here that can test a plugin",
            code=NOT_INSTALLED,
            where=word,
            why=f"installed are {_listed(installed(search_path))}; plugins need 3.{MINORS[0]} or newer",
            fix="name one of these, or the path of an interpreter",
        )
    if not _is_declared(found, declared):
        raise UsageError(
            f"{found} is not declared: {declared}",
            code=NOT_DECLARED,
            where="plugin.json#/compatibility/python_version",
            why="a device with it refuses the plugin",
            fix="test with a declared version, or widen the range",
        )
    return found


def _is_declared(one: Interpreter, declared: VersionRange | None) -> bool:
    return declared is None or declared.contains(Version(*one.version))


def _listed(found: Sequence[Interpreter]) -> str:
    return ", ".join(f"{one} ({one.path})" for one in found)
