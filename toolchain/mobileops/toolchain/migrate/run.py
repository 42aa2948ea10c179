"""Plan a migration, show it, write it."""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Final

from mobileops import manifest
from mobileops.errors import HostFault, ManifestError, MobileOpsError, NotFoundError
from mobileops.manifest.json_text import MAX_JSON_BYTES
from mobileops.runtime import durable
from mobileops.toolchain.migrate import registry, text

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.toolchain.migrate.registry import Migration

NAMES: Final = ("plugin.json", "plugin.yaml")


@dataclasses.dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration makes of a manifest.

    Attributes:
        path: of the manifest.
        before: its content.
        after: its content afterwards; the same when it is at the newest version.
        applied: the migrations, in order.
        suggestions: what a person may want to change, as whole sentences.
    """

    path: Path
    before: str
    after: str
    applied: tuple[Migration, ...]
    suggestions: tuple[str, ...]

    @property
    def diff(self) -> str:
        """The change as a unified diff, empty when there is none."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{self.path.name}",
            f"b/{self.path.name}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def plan(folder: Path) -> Migrated:
    """Return what migrating the manifest in a folder would change; nothing is written.

    Law: planning again after `write` gives no migration and no difference.

    Raises:
        NotFoundError: there is no manifest (MOP7133).
        MobileOpsError: two manifests are there, and somebody has to decide which counts (MOP7134), or the one cannot
            be read (MOP7135) or edited (MOP7132).
        ManifestError: the text is damaged, its version is not known (MOP1120), or the newest schema refuses what the
            author has to decide about; all of it is in ``findings``.
    """
    path = _find(folder)
    original = text.read(path.name, _read(path))
    version, migrated = registry.version_of(original.document, where=path.name), original
    applied = tuple(migration for migration in registry.MIGRATIONS if migration.source >= version)
    for migration in applied:
        migrated = migration.apply(migrated)
    findings = manifest.check(dict(migrated.document), where=path.name)
    errors = tuple(finding for finding in findings if finding.severity == "error")
    if errors:
        raise ManifestError(errors, where=path.name)
    hints = [f"{finding.where}: {finding.what}; {finding.fix}" for finding in findings]
    hints += [hint for migration in registry.MIGRATIONS for hint in migration.suggest(migrated.document)]
    return Migrated(path, original.text, migrated.text, applied, tuple(hints))


def write(migrated: Migrated) -> None:
    """Replace the manifest in one step, keeping its mode.

    Raises:
        MobileOpsError: it has changed since `plan` (MOP7136).
        HostFault: it cannot be written (MOP7137).
    """
    path = migrated.path
    if _read(path) != migrated.before.encode("utf-8"):
        fix = "repeat the command"
        raise MobileOpsError(f"{path.name!r} changed meanwhile", code="MOP7136", where=str(path), fix=fix)
    try:
        durable.write(path, migrated.after.encode("utf-8"), mode=path.stat().st_mode & 0o777)
    except OSError as error:
        fix = "choose a folder you may write to"
        raise HostFault(
            f"cannot write {path.name!r}", code="MOP7137", where=str(path), why=error.strerror, fix=fix
        ) from error


def _find(folder: Path) -> Path:
    found = [folder / name for name in NAMES if (folder / name).exists() or (folder / name).is_symlink()]
    if not found:
        fix = "name a plugin folder"
        raise NotFoundError(f"{folder.name!r} has no manifest", code="MOP7133", where=str(folder), fix=fix)
    if len(found) > 1:
        raise MobileOpsError(
            "there are two manifests",
            code="MOP7134",
            where=str(folder),
            why="plugin.json and plugin.yaml say the same thing in two forms, and may come to differ",
            fix="decide which of them counts, and remove the other",
        )
    return found[0]


def _read(path: Path) -> bytes:
    """Return the content of a regular file of bounded size."""
    try:
        if path.is_symlink() or not path.is_file():
            raise _unreadable(path, "it is a link, or no regular file")
        with path.open("rb") as stream:
            data = stream.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    if len(data) > MAX_JSON_BYTES:
        raise _unreadable(path, f"it has more than {MAX_JSON_BYTES} bytes")
    return data


def _unreadable(path: Path, why: str) -> MobileOpsError:
    fix = "make it a readable file"
    return MobileOpsError(f"{path.name!r} cannot be read", code="MOP7135", where=str(path), why=why, fix=fix)
