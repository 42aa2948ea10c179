"""Install exactly the locked wheels into a bundle.

Nothing of the machine that packs may show in the result, and nothing that only an installer needs is carried: see
`reason_to_strip`. ``RECORD`` would list what is left out, so it goes too; the file table of the bundle takes its place,
and is signed. Licences stay.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.plan import LOCK_FILE, VENDOR_FOLDER, plan_tree
from mobileops.toolchain.pack.sbom import write_sbom
from mobileops.toolchain.pack.source_manifest import load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.manifest import Manifest
    from mobileops.toolchain.pack.planned import Planned
    from mobileops.toolchain.pack.requirements import Lock, Pin
    from mobileops.toolchain.pack.targets import Target

_INSTALLER_NOTES: Final = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
)
_SCRIPT_FOLDERS: Final = frozenset({"bin", "Scripts"})
_MANUAL_PAGES: Final = "share/man/"
_BYTECODE: Final = (".pyc", ".pyo")
_NATIVE: Final = r".*\.so(\.[0-9]+)*"
_STATIC_LIBRARY: Final = ".a"


class Vendored(NamedTuple):
    """What the locked wheels bring.

    Attributes:
        files: members below ``vendor/``.
        platform: tag such as ``linux_x86_64-cp311`` when there is native code, else None.
        sbom: the list of them (`mobileops.toolchain.pack.sbom`).
        stripped: (member name, reason) of what is left out of them, sorted.
    """

    files: tuple[Planned, ...]
    platform: str | None
    sbom: bytes
    stripped: tuple[tuple[str, str], ...] = ()


class _Choice(NamedTuple):
    """What of a lock is installed, and for which target."""

    lock: Lock
    pins: tuple[Pin, ...]
    target: Target


@contextlib.contextmanager
def dependencies(source: Path, *, wheels: Path | None = None, target: Target | None = None) -> Iterator[Path | None]:
    """Install the locked dependencies of the plugin in `source` into a folder that lives as long as the block.

    Args:
        source: folder of the plugin.
        wheels: folder to take locked wheels from instead of the package index.
        target: what they are for; None is this machine and this Python.

    Yields:
        The folder, to put on ``sys.path``; None when there are no dependencies.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the lock is missing or does not fit, or uv cannot install it.
    """
    manifest, _ = load_manifest(source)
    choice = _choose(source, manifest, target)
    if choice is None:
        yield None
        return
    with _installed(choice, wheels) as site:
        yield site


@contextlib.contextmanager
def vendored(
    source: Path, manifest: Manifest, *, wheels: Path | None = None, target: Target | None = None
) -> Iterator[Vendored]:
    """Install the locked dependencies and yield what of them goes into the bundle; it lives as long as the block.

    Args:
        source: folder of the plugin.
        manifest: of the plugin.
        wheels: folder to take locked wheels from instead of the package index.
        target: what the bundle is for; None means every declared Python when there is no native code, else this one.

    Raises:
        PackagingError: the lock is missing or does not fit, or uv cannot install it.
    """
    choice = _choose(source, manifest, target)
    if choice is None:
        yield Vendored((), None, write_sbom(manifest))
        return
    from mobileops.toolchain.pack.distributions import read_distributions  # noqa: PLC0415 - most plugins have none
    from mobileops.toolchain.pack.targets import running  # noqa: PLC0415 - likewise

    with _installed(choice, wheels) as site:
        stripped: list[tuple[str, str]] = []

        def keep(name: str) -> bool:
            reason = reason_to_strip(name)
            if reason is not None:
                stripped.append((f"{VENDOR_FOLDER}/{name}", reason))
            return reason is None

        files = tuple(plan_tree(site, VENDOR_FOLDER, keep=keep))
        found = read_distributions(site)
        native = any(re.fullmatch(_NATIVE, file.name) for file in files) or any(one.native for one in found)
        tags = {one.normal_name: frozenset(one.tags) for one in found}
        hashes = {pin.name: choice.lock.digests_of(pin, tags.get(pin.name, frozenset())) for pin in choice.pins}
        sbom = write_sbom(manifest, found, hashes=hashes, environment=choice.target.markers())
        platform = str(target or running()) if native else None
        yield Vendored(files, platform, sbom, tuple(sorted(stripped)))


def _choose(source: Path, manifest: Manifest, target: Target | None) -> _Choice | None:
    """Return what is to be installed, or None when there is nothing."""
    if not manifest.dependencies and not (source / LOCK_FILE).exists():
        return None
    from mobileops.toolchain.pack.requirements import read_lock  # noqa: PLC0415 - most plugins have no dependencies
    from mobileops.toolchain.pack.targets import MACHINES, Target, pythons_in, running  # noqa: PLC0415 - likewise

    minors = pythons_in(manifest.compatibility.python_version)
    everywhere = [Target(machine, minor).markers() for machine in MACHINES for minor in minors]
    lock = read_lock(source, manifest.dependencies, environments=[target.markers()] if target else [])
    if lock is None:
        return None
    if target is None and all(_is_pure(lock, pin) for pin in lock.pins):
        # One bundle for every Python: what any of them wants is in it.
        known = [one for one in everywhere if _is_for(lock, one)]
        newest = Target(MACHINES[0], minors[-1])
        read_lock(source, manifest.dependencies, environments=known)
        return _Choice(lock, lock.select(known), newest)
    exact = target or running()
    if lock.targets and str(exact) not in lock.targets:
        _fail_target(lock, exact)
    if lock.sdists and exact != running():
        _fail_source_build(exact)
    read_lock(source, manifest.dependencies, environments=[exact.markers()])
    return _Choice(lock, lock.select([exact.markers()]), exact)


def _is_pure(lock: Lock, pin: Pin) -> bool:
    return any(tag.platform == "any" for tag in lock.tags_of(pin))


def _is_for(lock: Lock, markers: dict[str, str]) -> bool:
    tag = f"linux_{markers['platform_machine']}-cp{markers['python_version'].replace('.', '')}"
    return not lock.targets or tag in lock.targets


def _fail_target(lock: Lock, target: Target) -> None:
    fail(
        PackCode.NOT_LOCKED_FOR,
        f"{LOCK_FILE} is not locked for {target}",
        where=LOCK_FILE,
        why=f"it is for {', '.join(sorted(lock.targets))}",
        fix=f"run 'mobileops lock --platform {target.platform}', or package for one of these with --platform",
    )


def _fail_source_build(target: Target) -> None:
    fail(
        PackCode.NOT_LOCKED_FOR,
        f"{LOCK_FILE} lets packages be built from source, which is not done for {target} here",
        where=LOCK_FILE,
        why="native code is built on the platform it is for",
        fix=f"package on {target}, or lock without --allow-sdist",
    )


@contextlib.contextmanager
def _installed(choice: _Choice, wheels: Path | None) -> Iterator[Path]:
    import tempfile  # noqa: PLC0415 - most plugins have no dependencies

    with tempfile.TemporaryDirectory(prefix="mobileops-vendor-") as folder:
        root = Path(folder)
        _install(choice, root, wheels)
        (root / "site").mkdir(exist_ok=True)  # uv makes none for an empty lock
        yield root / "site"


def _install(choice: _Choice, root: Path, wheels: Path | None) -> None:
    # A copy: what was checked is what is installed, whatever happens to the file in the source meanwhile. Markers were
    # evaluated for the target already.
    requirements = root / LOCK_FILE
    lines = [f"{pin.requirement.name}{pin.requirement.specifier} {pin.options}\n" for pin in choice.pins]
    requirements.write_text("".join(lines), encoding="utf-8")
    binary = () if choice.lock.sdists else ("--only-binary", ":all:")
    options = ("--no-deps", "--require-hashes", *binary, "--link-mode", "copy", "--no-compile-bytecode")
    where = ("--target", str(root / "site"), *choice.target.uv_options)
    arguments = ("install", *where, "-r", str(requirements), "--quiet", *options)
    what = "the locked dependencies cannot be installed"
    from mobileops.toolchain.pack import resolver_words  # noqa: PLC0415 - most plugins have no dependencies
    from mobileops.toolchain.pack.uv import run_uv  # noqa: PLC0415 - likewise

    # What is in the cache needs no network; hashes make it the same.
    if wheels is None and run_uv((*arguments, "--offline"), code=PackCode.VENDOR_FAILED, what=what).ok:
        return
    run = run_uv(arguments, code=PackCode.VENDOR_FAILED, what=what, wheels=wheels)
    if not run.ok:
        resolver_words.explain(run.stderr, code=PackCode.VENDOR_FAILED, what=what)


def reason_to_strip(name: str) -> str | None:
    """Return why the installed file `name` (relative POSIX path) does not go into the bundle, or None.

    Left out are scripts (their first line names an interpreter of the machine that packs), bytecode, what the installer
    notes about itself, static libraries and manual pages: nothing that code could want when it runs.
    """
    first, _, rest = name.partition("/")
    if name.endswith(_BYTECODE):
        return "bytecode"
    if first in _SCRIPT_FOLDERS and rest:
        return "script with the path of an interpreter"
    if (first.endswith(".dist-info") and rest in _INSTALLER_NOTES) or name == ".lock":
        return "note of the installer"
    if name.endswith(_STATIC_LIBRARY):
        return "static library"
    return "manual page" if name.startswith(_MANUAL_PAGES) else None
