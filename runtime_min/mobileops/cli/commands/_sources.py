"""How a word on the command line names a source folder or a bundle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import NotFoundError

if TYPE_CHECKING:
    from mobileops.runtime.home import Home

MANIFESTS: Final = ("plugin.json", "plugin.yaml")
BUNDLE_SUFFIX: Final = ".zip"
_VERSION: Final = r"[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*"
_PLATFORM: Final = r"(-[a-z0-9_]+-cp[0-9]+)?"


def find_source(word: str | None, home: Home, *, cwd: Path) -> Path:
    """Return the source folder that a word names.

    It is a path, a folder here, this folder by its own name, or a folder in the plugins folder: the first that is.

    Args:
        word: what the person typed; None means the current directory.
        home: for its plugins folder.
        cwd: the current directory.

    Raises:
        NotFoundError: there is none.
    """
    candidates = [cwd] if word is None else [cwd / word, *([cwd] if _is_called(cwd, word) else []), home.sources / word]
    for folder in candidates:
        if any((folder / name).exists() for name in MANIFESTS):
            return folder.resolve()
    hint = did_you_mean(word, _sources(home, cwd)) if word else None
    raise NotFoundError(
        f"no plugin source {word!r}" if word else "this folder is no plugin: it has no plugin.json",
        code="MOP7010",
        why=f"looked in {', '.join(str(folder) for folder in candidates)}",
        fix=hint or "mobileops create-template NAME TYPE makes one",
    )


def find_bundle(word: str, home: Home, *, cwd: Path, version: str | None = None) -> Path:
    """Return the bundle that a word names.

    It is a file, or the newest built bundle of that plugin (``my-plugin`` or ``my-plugin.zip``). A path into another
    folder is that file and nothing else.

    Args:
        word: what the person typed.
        home: for its plugins folder.
        cwd: the current directory.
        version: only a bundle of this version.

    Raises:
        NotFoundError: there is none.
    """
    path = cwd / word
    if path.is_file() and version is None:
        return behind_link(path)
    if "/" in word and word.endswith(BUNDLE_SUFFIX):
        raise NotFoundError(f"there is no file {word!r}", code="MOP7011", fix="look at the path, and where you are")
    name = Path(word).name.removesuffix(BUNDLE_SUFFIX)
    file_name = re.compile(rf"{re.escape(name)}-{re.escape(version) if version else _VERSION}{_PLATFORM}\.zip")
    places = list(dict.fromkeys((cwd, cwd / "dist", cwd / name / "dist", home.sources / name / "dist")))
    built = [
        bundle
        for place in places
        if place.is_dir()
        for bundle in place.glob(f"*{BUNDLE_SUFFIX}")
        if file_name.fullmatch(bundle.name)
    ]
    if built and path.suffix in {"", BUNDLE_SUFFIX}:
        return max(built, key=lambda bundle: bundle.stat().st_mtime_ns)
    wanted = f"{word!r}" if version is None else f"{word!r} in version {version}"
    sources = _sources(home, cwd)
    hint = None if name in sources or _is_called(cwd, name) else did_you_mean(name, sources)
    raise NotFoundError(
        f"no bundle {wanted}",
        code="MOP7011",
        why=f"looked in {', '.join(str(place) for place in places)}",
        fix=hint or f"mobileops package {name} builds one",
    )


def _sources(home: Home, cwd: Path) -> list[str]:
    """Return the names of the source folders here and in the plugins folder."""
    return [
        path.name
        for place in (cwd, home.sources)
        if place.is_dir()
        for path in place.iterdir()
        if path.is_dir() and any((path / name).exists() for name in MANIFESTS)
    ]


def behind_link(path: Path) -> Path:
    """Return the file that a path stands for: a link such as ``latest.zip`` has not the name that was signed."""
    return path.resolve() if path.is_symlink() else path


def _is_called(folder: Path, name: str) -> bool:
    """Whether the plugin.json of a folder has this name."""
    try:
        document = json.loads((folder / MANIFESTS[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return folder.name == name
    return isinstance(document, dict) and document.get("name") == name
