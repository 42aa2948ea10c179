"""Lock the dependencies of a plugin, and install exactly the locked wheels into its bundle.

Nothing of the machine that packs may show in the result: scripts (their first line names an interpreter), compiled
bytecode, and what the installer notes about itself are left out. ``RECORD`` would list them, so it goes too; the file
table of the bundle takes its place, and is signed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.distributions import read_distributions
from mobileops.toolchain.pack.plan import VENDOR_FOLDER, Planned, plan_tree
from mobileops.toolchain.pack.requirements import LOCK_FILE, header, locked_hashes, read_lock
from mobileops.toolchain.pack.sbom import write_sbom
from mobileops.toolchain.pack.source_manifest import load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.manifest import Manifest

_INSTALLER_NOTES: Final = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
)
_SCRIPT_FOLDERS: Final = frozenset({"bin", "Scripts"})
_BYTECODE: Final = re.compile(r".*\.py[co]")
_NATIVE: Final = re.compile(r".*\.so(\.[0-9]+)*")
_UNTAGGED: Final = re.compile(r"[^A-Za-z0-9_]")


@dataclasses.dataclass(frozen=True, slots=True)
class Vendored:
    """What the locked wheels bring.

    Attributes:
        files: members below ``vendor/``.
        platform: tag such as ``linux_x86_64-cp311`` when there is native code, else None.
        sbom: the list of them (`mobileops.toolchain.pack.sbom`).
    """

    files: tuple[Planned, ...]
    platform: str | None
    sbom: bytes


def lock(source: Path, *, wheels: Path | None = None) -> Path:
    """Resolve the dependencies of the plugin in `source` for the running Python and write its requirements.txt.

    Args:
        source: folder with plugin.json or plugin.yaml.
        wheels: a folder to take packages from instead of the package index.

    Returns:
        The path of the lock file.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: a dependency is invalid or cannot be resolved.
    """
    manifest, _ = load_manifest(source)
    text = header(manifest.dependencies) + "\n"
    if manifest.dependencies:
        from mobileops.toolchain.pack.uv import run_uv  # noqa: PLC0415 - most plugins have no dependencies

        options = ("--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--only-binary", ":all:")
        what = f"the dependencies of {manifest.name!r} cannot be resolved"
        stdin = "\n".join(manifest.dependencies) + "\n"
        text += run_uv(("compile", "-", *options), code=PackCode.LOCK_FAILED, what=what, stdin=stdin, wheels=wheels)
    path = source / LOCK_FILE
    partial = path.with_name(f".{LOCK_FILE}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        what = f"{str(path)!r} cannot be written: {error.strerror}"
        fail(PackCode.OUTPUT, what, where=str(path), fix="make the folder writable", cause=error)
    return path


@contextlib.contextmanager
def dependencies(source: Path, *, wheels: Path | None = None) -> Iterator[Path | None]:
    """Install the locked dependencies of the plugin in `source` into a folder that lives as long as the block.

    Yields:
        The folder, to put on ``sys.path``; None when there are no dependencies.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the lock is missing or does not fit, or uv cannot install it.
    """
    manifest, _ = load_manifest(source)
    with _installed(source, manifest, wheels=wheels) as site:
        yield site


@contextlib.contextmanager
def vendored(source: Path, manifest: Manifest, *, wheels: Path | None = None) -> Iterator[Vendored]:
    """Install the locked dependencies and yield what of them goes into the bundle; it lives as long as the block.

    Raises:
        PackagingError: the lock is missing or does not fit, or uv cannot install it.
    """
    with _installed(source, manifest, wheels=wheels) as site:
        if site is None:
            yield Vendored((), None, write_sbom(manifest))
            return
        files = tuple(plan_tree(site, VENDOR_FOLDER, keep=_is_kept))
        native = any(_NATIVE.fullmatch(file.name) for file in files)
        sbom = write_sbom(manifest, read_distributions(site), hashes=_hashes(source, manifest))
        yield Vendored(files, platform_tag() if native else None, sbom)


def _hashes(source: Path, manifest: Manifest) -> dict[str, tuple[str, ...]]:
    return locked_hashes(_lock_text(source, manifest) or "")


@contextlib.contextmanager
def _installed(source: Path, manifest: Manifest, *, wheels: Path | None) -> Iterator[Path | None]:
    text = _lock_text(source, manifest)
    if text is None:
        yield None
        return
    import tempfile  # noqa: PLC0415 - most plugins have no dependencies

    with tempfile.TemporaryDirectory(prefix="mobileops-vendor-") as folder:
        root = Path(folder)
        _install(text, root, wheels)
        (root / "site").mkdir(exist_ok=True)  # uv makes none for an empty lock
        yield root / "site"


def _lock_text(source: Path, manifest: Manifest) -> str | None:
    if not manifest.dependencies and not (source / LOCK_FILE).exists():
        return None
    return read_lock(source, manifest.dependencies)


def _install(text: str, root: Path, wheels: Path | None) -> None:
    # A copy: what was checked is what is installed, whatever happens to the file in the source meanwhile.
    requirements = root / LOCK_FILE
    requirements.write_text(text, encoding="utf-8")
    options = (
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--link-mode",
        "copy",
        "--no-compile-bytecode",
    )
    arguments = ("install", "--target", str(root / "site"), "-r", str(requirements), "--quiet", *options)
    what = "the locked dependencies cannot be installed"
    from mobileops.toolchain.pack.uv import run_uv  # noqa: PLC0415 - most plugins have no dependencies

    run_uv(arguments, code=PackCode.VENDOR_FAILED, what=what, wheels=wheels)


def _is_kept(name: str) -> bool:
    """Tell whether the installed file `name` (relative POSIX path) goes into the bundle."""
    first, _, rest = name.partition("/")
    if _BYTECODE.fullmatch(name) or (first in _SCRIPT_FOLDERS and rest):
        return False
    return not (first.endswith(".dist-info") and rest in _INSTALLER_NOTES) and name != ".lock"


def platform_tag() -> str:
    """Return the tag of the running platform and Python, such as ``linux_x86_64-cp311``."""
    import sysconfig  # noqa: PLC0415 - most plugins have no native dependencies

    platform = _UNTAGGED.sub("_", sysconfig.get_platform())
    return f"{platform}-cp{sys.version_info.major}{sys.version_info.minor}"
