"""Bring a plugin folder up to date with its template: a three-way merge of every file that the template knows.

========================  =====================  =========================================================
the template              the author             then
========================  =====================  =========================================================
changed a file            left it                it is updated
changed a file            changed it             it is merged; where both changed the same lines: conflict
changed a file            removed it             it stays removed
added a file              has none               it is added
added a file              added another          conflict
removed a file            left it                it is removed
removed a file            changed it             conflict
left a file               whatever               nothing
========================  =====================  =========================================================

A ``plugin.json`` that was valid JSON and would no longer be after the merge is a conflict as well. `plan` writes
nothing. `apply` refuses nothing: with conflicts it writes git's markers, which is for a caller that was asked to.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

from mobileops.errors import ManifestError, MobileOpsError, NotFoundError, UsageError
from mobileops.manifest import json_text
from mobileops.toolchain import __version__
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import creation, prompts, record, render, replacing
from mobileops.toolchain.scaffold.merge import merge

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES: Final = 4 << 20


class Action(enum.StrEnum):
    """What happens to a file."""

    ADD = "add"
    UPDATE = "update"
    MERGE = "merge"
    REMOVE = "remove"
    CONFLICT = "conflict"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One file that the update concerns.

    Attributes:
        path: in the plugin folder.
        action: what happens to it.
        before: its content now, None when there is none.
        after: its content afterwards, None when it goes; in a conflict, with markers where there can be any.
        why: the reason of a conflict.
    """

    path: str
    action: Action
    before: bytes | None
    after: bytes | None
    why: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Update:
    """What an update would do.

    Attributes:
        folder: the plugin's.
        template: its template.
        changes: sorted by path.
        record: the new content of the record, None when it stays as it is.
    """

    folder: Path
    template: str
    changes: tuple[Change, ...]
    record: bytes | None

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """The changes that a person has to decide."""
        return tuple(change for change in self.changes if change.action is Action.CONFLICT)


def plan(folder: Path) -> Update:
    """Return what updating the plugin in a folder would change.

    Raises:
        NotFoundError: it does not say which template it comes from (MOP7112).
        MobileOpsError: its record is damaged (MOP7111), or a file is no regular file of bounded size (MOP7113).
        UsageError: there is no such template any more (MOP7101).
        HostFault: the template is damaged (MOP7108).
    """
    known = _record(folder)
    if known.template not in creation.templates():
        raise _no_template(known.template)
    template = cookiecutters_root() / known.template
    questions = prompts.load(template)
    asked = {prompt.key for prompt in questions.prompts}
    answers = render.settled(template, {key: value for key, value in known.answers.items() if key in asked})
    new = render.render(template, known.name, answers)
    changes = []
    for path in sorted(known.base.keys() | new.keys()):
        change = _change(path, known.base.get(path), _read(folder, path), new=new.get(path))
        changes += [change] if change else []
    made = dataclasses.replace(
        known, made_with=__version__, schema_sha256=questions.schema_sha256, answers=answers, base=new
    )
    same = dataclasses.replace(made, made_with=known.made_with, schema_sha256=known.schema_sha256) == known
    return Update(folder, known.template, tuple(changes), None if same else made.to_bytes())


def apply(update: Update) -> None:
    """Write an update: all of it, or, when something fails, nothing.

    Raises:
        MobileOpsError: a file has changed since `plan` (MOP7114).
        HostFault: the folder cannot be written (MOP7107).
    """
    for change in update.changes:
        if _read(update.folder, change.path) != change.before:
            raise MobileOpsError(
                f"{change.path!r} changed while the update was prepared",
                code="MOP7114",
                where=str(update.folder),
                fix="repeat the command",
            )
    contents = {change.path: change.after for change in update.changes if change.after != change.before}
    if update.record is not None:
        contents[record.RECORD_NAME] = update.record
    replacing.replace(update.folder, contents)


def _change(path: str, base: bytes | None, ours: bytes | None, *, new: bytes | None) -> Change | None:
    """Return what happens to one file, by the table above; None for nothing."""
    if new in (base, ours) or (ours is None and base is not None):
        return None
    if new is None:
        if ours == base:
            return Change(path, Action.REMOVE, ours, None)
        return Change(path, Action.CONFLICT, ours, ours, "the template removed it, and you changed it")
    if ours is None or ours == base:
        return Change(path, Action.ADD if ours is None else Action.UPDATE, ours, new)
    return _merged(path, base, ours, new=new)


def _merged(path: str, base: bytes | None, ours: bytes, *, new: bytes) -> Change:
    """Return the change of a file that both sides have, each in its own way."""
    merged = merge(base or b"", ours, theirs=new)
    if merged.conflicts:
        why = "you and the template changed the same lines" if base is not None else "you and the template added it"
        return Change(path, Action.CONFLICT, ours, merged.content, why)
    if path == creation.MANIFEST_NAME and _is_json(ours) and not _is_json(merged.content):
        return Change(path, Action.CONFLICT, ours, merged.content, "merged, it would no longer be JSON")
    return Change(path, Action.MERGE, ours, merged.content)


def _record(folder: Path) -> record.Record:
    data = _read(folder, record.RECORD_NAME)
    if data is None:
        raise NotFoundError(
            f"{folder.name!r} does not say which template it comes from",
            code="MOP7112",
            where=str(folder),
            why=f"create-template writes {record.RECORD_NAME}, and it is not there",
            fix="restore it from version control, or make a new plugin and move your code there",
        )
    return record.parse(data, where=record.RECORD_NAME)


def _read(folder: Path, path: str) -> bytes | None:
    """Return the content of a file of the folder, None when there is none; never through a link."""
    file = folder / path
    steps = [file, *(folder.joinpath(*parents.parts) for parents in file.relative_to(folder).parents)][:-1]
    try:
        if any(step.is_symlink() for step in steps) or (file.exists() and not file.is_file()):
            raise _irregular(path, "it is a link, or no regular file")
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _irregular(path, str(error.strerror)) from error
    if len(data) > MAX_FILE_BYTES:
        raise _irregular(path, f"it has more than {MAX_FILE_BYTES} bytes")
    return data


def _irregular(path: str, why: str) -> MobileOpsError:
    fix = "replace it by a plain text file, or remove it"
    return MobileOpsError(f"{path!r} cannot be merged", code="MOP7113", where=path, why=why, fix=fix)


def _is_json(data: bytes) -> bool:
    try:
        json_text.loads(data, where=creation.MANIFEST_NAME)
    except ManifestError:
        return False
    return True


def _no_template(name: str) -> UsageError:
    known = ", ".join(creation.templates())
    return UsageError(
        f"there is no template {name[:40]!r} any more",
        code="MOP7101",
        where=record.RECORD_NAME,
        why=f"the templates are {known}",
        fix="keep the plugin as it is: nothing but 'template update' needs its template",
    )
