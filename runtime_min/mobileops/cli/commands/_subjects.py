"""How a word on the command line names a plugin in any of its forms: source folder, bundle or installed name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from mobileops.cli.commands._sources import BUNDLE_SUFFIX, MANIFESTS, find_bundle, find_source
from mobileops.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.runtime.home import Home

Form: TypeAlias = Literal["source", "bundle", "installed"]


class Subject(NamedTuple):
    """A plugin in one of its forms.

    Attributes:
        form: which.
        manifest: checked.
        place: its folder, or the bundle's file.
    """

    form: Form
    manifest: Manifest
    place: Path


def find_subject(word: str | None, home: Home, *, cwd: Path) -> Subject:
    """Return what a word names: a path, an installed plugin, a source folder by name, or a built bundle.

    Args:
        word: what the person typed; None means the current directory.
        home: with the installed plugins.
        cwd: the current directory.

    Raises:
        NotFoundError: MOP4301, there is nothing of that name; a near name is suggested.
        ManifestError, BundleRefused: it cannot be read.
    """
    if word is None:
        return _source(find_source(None, home, cwd=cwd))
    if (cwd / word).is_file():
        return _bundle(cwd / word)
    if any((cwd / word / name).is_file() for name in MANIFESTS):
        return _source((cwd / word).resolve())
    for look in (_installed, _source_named, _bundle_named):
        try:
            return look(word, home, cwd)
        except NotFoundError:
            continue
    raise NotFoundError(
        f"no plugin {word!r}",
        code="MOP4301",
        why="it is no source folder, no bundle, and not installed",
        fix=_suggestion(word, home, cwd) or "mobileops list shows what is installed",
    )


def _installed(word: str, home: Home, _cwd: Path) -> Subject:
    from mobileops.runtime.receipts import Receipts  # noqa: PLC0415  most words are paths

    receipts = Receipts(home)
    receipt = receipts.get(word)
    return Subject("installed", receipts.manifest(receipt), receipts.folder(receipt))


def _source_named(word: str, home: Home, cwd: Path) -> Subject:
    return _source(find_source(word, home, cwd=cwd))


def _bundle_named(word: str, home: Home, cwd: Path) -> Subject:
    return _bundle(find_bundle(word, home, cwd=cwd))


def _source(folder: Path) -> Subject:
    if not (folder / MANIFESTS[0]).is_file():  # plugin.yaml: only the toolchain reads it
        from mobileops.toolchain.pack.source_manifest import load_manifest  # noqa: PLC0415  see above

        return Subject("source", load_manifest(folder)[0], folder)
    from mobileops.manifest import MAX_JSON_BYTES, parse  # noqa: PLC0415  a mistyped word needs none of it

    with (folder / MANIFESTS[0]).open("rb") as stream:
        return Subject("source", parse(stream.read(MAX_JSON_BYTES + 1), where=MANIFESTS[0]), folder)


def _bundle(path: Path) -> Subject:
    from mobileops.bundle import open_bundle  # noqa: PLC0415  most words are folders and names

    with open_bundle(path) as bundle:
        return Subject("bundle", bundle.manifest, path)


def _suggestion(word: str, home: Home, cwd: Path) -> str | None:
    from mobileops.cli.suggestions import did_you_mean  # noqa: PLC0415  only a mistake needs it

    known = [path.parent.name for path in (*home.store.glob("*/current.json"), *home.sources.glob("*/plugin.json"))]
    known += [path.parent.name for path in cwd.glob("*/plugin.json")]
    known += [path.name for path in cwd.glob(f"*{BUNDLE_SUFFIX}")]
    return did_you_mean(word, sorted(set(known)))
