"""Resolve the dependencies of a plugin into its requirements.txt: once, for every target, with uv.

uv resolves for all platforms and all Pythons from the oldest declared one on (``--universal``) and says which wheels
there are (pylock.toml, PEP 751). Of these the lock takes those that fit a target: a lock is short, and what it is not
for can be told before anything is downloaded.
"""

from __future__ import annotations

import dataclasses
import tomllib
from typing import TYPE_CHECKING, Any, Final

from mobileops.toolchain.pack import resolver_words
from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.plan import LOCK_FILE
from mobileops.toolchain.pack.requirements import header, parse_requirement, wheel_tags
from mobileops.toolchain.pack.source_manifest import load_manifest
from mobileops.toolchain.pack.targets import MACHINES, Target, pythons_in
from mobileops.toolchain.pack.uv import run_uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mobileops.manifest import Manifest

_ONLY_WHEELS: Final = ("--only-binary", ":all:")
_MAX_NAMED: Final = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """A distribution that has no wheel for a target."""

    name: str
    version: str
    target: Target


@dataclasses.dataclass(frozen=True, slots=True)
class Locked:
    """What was locked.

    Attributes:
        path: of the lock file.
        targets: it is for these.
        missing: why it is not for others that the manifest allows.
    """

    path: Path
    targets: tuple[Target, ...]
    missing: tuple[Missing, ...]


def lock(
    source: Path, *, platforms: Sequence[str] = (), allow_sdist: bool = False, wheels: Path | None = None
) -> Locked:
    """Resolve the dependencies of the plugin in `source` and write its requirements.txt.

    Args:
        source: folder with plugin.json or plugin.yaml.
        platforms: such as ``linux_aarch64``; each must have wheels for at least one declared Python. When there are
            none, it is locked for every platform that has them.
        allow_sdist: a package without wheels may be built from source, which runs its code.
        wheels: a folder to take packages from instead of the package index.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: a dependency is invalid or cannot be resolved, or has no wheel (``MOP2470`` to ``MOP2478``).
        HostFault: the package index was not reached (MOP2474).
    """
    manifest, _ = load_manifest(source)
    pythons = pythons_in(manifest.compatibility.python_version)
    machines = tuple(platform.removeprefix("linux_") for platform in platforms) or MACHINES
    targets = tuple(Target(machine, minor) for machine in machines for minor in pythons)
    wanted = _for_targets(manifest.dependencies, targets)
    packages = _resolve(manifest.name, wanted, pythons[0], wheels, allow_sdist=allow_sdist) if wanted else []
    missing = () if allow_sdist else tuple(_missing(packages, targets))
    without = {one.target for one in missing}
    good = tuple(target for target in targets if target not in without)
    lost = [machine for machine in machines if all(target.machine != machine for target in good)]
    if (lost and platforms) or not good:
        _fail_missing(manifest, [one for one in missing if one.target.machine in lost], wheels)
    path = source / LOCK_FILE
    _write(path, header(manifest.dependencies, good if packages else (), sdists=allow_sdist) + _text(packages, good))
    return Locked(path, good, missing)


def _for_targets(dependencies: Sequence[str], targets: Sequence[Target]) -> list[str]:
    """Return the requirements that some target has; uv would resolve those for other systems too."""
    markers = [target.markers() for target in targets]
    parsed = ((text, parse_requirement(text, where="plugin.json#/dependencies").marker) for text in dependencies)
    return [text for text, marker in parsed if marker is None or any(marker.evaluate(dict(one)) for one in markers)]


def _resolve(
    name: str, dependencies: Sequence[str], oldest: int, wheels: Path | None, *, allow_sdist: bool
) -> list[dict[str, Any]]:
    options = ("--universal", "--python-version", f"3.{oldest}", "--generate-hashes", "--format", "pylock.toml")
    binary = () if allow_sdist else _ONLY_WHEELS
    what = f"the dependencies of {name!r} cannot be resolved"
    stdin = "\n".join(dependencies) + "\n"
    command = ("compile", "-", "--no-header", "--no-annotate", "--quiet", *options, *binary)
    run = run_uv(command, code=PackCode.LOCK_FAILED, what=what, stdin=stdin, wheels=wheels)
    if not run.ok:
        resolver_words.explain(run.stderr, code=PackCode.LOCK_FAILED, what=what, dependencies=dependencies)
    packages = tomllib.loads(run.stdout).get("packages", [])
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def _missing(packages: Iterable[dict[str, Any]], targets: Sequence[Target]) -> Iterable[Missing]:
    for package in packages:
        tags = frozenset(tag for name, _ in _wheels(package) for tag in wheel_tags(name))
        for target in targets:
            if _applies(package, target) and not tags & target.tags():
                yield Missing(package["name"], package["version"], target)


def _applies(package: dict[str, Any], target: Target) -> bool:
    from packaging.markers import Marker  # noqa: PLC0415 - most plugins have no dependencies

    return "marker" not in package or Marker(package["marker"]).evaluate(target.markers())


def _wheels(package: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (file name, SHA-256) of the wheels of a package."""
    return sorted((_file_name(wheel), wheel["hashes"]["sha256"]) for wheel in package.get("wheels", ()))


def _file_name(wheel: dict[str, Any]) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - most plugins have no dependencies

    place = wheel.get("name") or wheel.get("url") or wheel.get("path") or ""
    return unquote(str(place).rpartition("/")[2])


def _text(packages: Iterable[dict[str, Any]], targets: Sequence[Target]) -> str:
    fitting = frozenset(tag for target in targets for tag in target.tags())
    lines: list[str] = []
    for package in packages:
        where = [target for target in targets if _applies(package, target)]
        if not where:
            continue
        files = [(name, digest) for name, digest in _wheels(package) if wheel_tags(name) & fitting]
        hashes = sorted({digest for _, digest in files}) or [package["sdist"]["hashes"]["sha256"]]
        # A marker that holds for every target only makes the line longer.
        marker = f" ; {package['marker']}" if len(where) < len(targets) else ""
        pin = f"{package['name']}=={package['version']}{marker}"
        lines.append(" \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in hashes)]))
        lines += [f"# wheel: {name} sha256:{digest}" for name, digest in files]
    return "".join(f"{line}\n" for line in lines)


def _fail_missing(manifest: Manifest, missing: Sequence[Missing], wheels: Path | None) -> None:
    first = missing[0]
    others = sorted({str(one.target) for one in missing if one.name == first.name} - {str(first.target)})
    more = f" and {len(others)} more" if others else ""
    chain = " needs ".join([manifest.name, *_chain(manifest, first.name, wheels)])
    names = sorted({f"{one.name} {one.version}" for one in missing})[:_MAX_NAMED]
    fail(
        PackCode.NO_WHEEL,
        f"{first.name} {first.version} has no wheel for {first.target}{more}",
        where="plugin.json#/dependencies",
        why=f"{chain}; without wheels: {', '.join(names)}",
        fix="lock for the platforms that have them (--platform), take another version, or use --allow-sdist",
    )


def _chain(manifest: Manifest, name: str, wheels: Path | None) -> list[str]:
    """Return the names from a dependency of the plugin down to `name`, by what uv notes in its annotations."""
    options = ("--universal", "--no-header", "--annotation-style", "line", "--quiet", *_ONLY_WHEELS)
    stdin = "\n".join(manifest.dependencies) + "\n"
    run = run_uv(("compile", "-", *options), code=PackCode.LOCK_FAILED, what=name, stdin=stdin, wheels=wheels)
    parents = {}
    for line in run.stdout.splitlines():
        pin, _, via = line.partition("# via ")
        parents[pin.partition("==")[0].strip()] = via.partition(",")[0].strip()
    chain = [name]
    while (parent := parents.get(chain[0], "")) in parents and parent not in chain:
        chain.insert(0, parent)
    return chain


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{LOCK_FILE}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        what = f"{str(path)!r} cannot be written: {error.strerror}"
        fail(PackCode.OUTPUT, what, where=str(path), fix="make the folder writable", cause=error)
