"""`create`: check what was asked, render aside, then put the result in place in one step; `preview`: all but that."""

from __future__ import annotations

import dataclasses
import difflib
import tempfile
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mobileops import manifest
from mobileops.errors import UsageError
from mobileops.toolchain import __version__
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import names, place, prompts, record, render

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST_NAME: Final = "plugin.json"
NO_ANSWERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True)
class Created:
    """A new plugin folder.

    Attributes:
        path: the folder, absolute.
        files: every file in it, relative to the folder, sorted.
    """

    path: Path
    files: tuple[PurePosixPath, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What `create` would do.

    Attributes:
        path: the folder it would make, absolute.
        answers: question -> answer, with the defaults.
        files: path in the folder -> content, sorted.
    """

    path: Path
    answers: Mapping[str, str]
    files: Mapping[str, bytes]


def templates() -> tuple[str, ...]:
    """Return the plugin types that have a template, sorted."""
    return tuple(sorted(entry.parent.name for entry in cookiecutters_root().glob(f"*/{prompts.TEMPLATE_MARK}")))


def questions(plugin_type: str) -> prompts.Questions:
    """Return what the template of a plugin type asks.

    Raises:
        UsageError: there is no such template (MOP7101).
        HostFault: the template is damaged (MOP7108).
    """
    _require_type(plugin_type)
    return prompts.load(cookiecutters_root() / plugin_type)


def preview(name: str, plugin_type: str, *, parent: Path, answers: Mapping[str, str] = NO_ANSWERS) -> Preview:
    """Return what `create` would write, having checked all that it checks; write nothing.

    cookiecutter changes the working directory while it renders, so call this from one thread.

    Args:
        name: the plugin's name.
        plugin_type: one of `templates()`.
        parent: an existing folder.
        answers: question of the template (``author``, ``description``, ``license``) -> one line of printable text.

    Raises:
        UsageError: the type, the name or an answer cannot be used (MOP7101, MOP7102, MOP7104, MOP7105), or there is
            something at the target already (MOP7103).
        ManifestError: the answers make a manifest that the schema refuses.
        NotFoundError: there is no folder ``parent`` (MOP7106).
        HostFault: the template is damaged (MOP7108).
    """
    _require_type(plugin_type)
    names.require(name)
    template = cookiecutters_root() / plugin_type
    settled = render.settled(template, answers)
    target = place.choose_target(parent, name)
    files = render.render(template, name, settled)
    manifest.parse(files[MANIFEST_NAME], where=MANIFEST_NAME)
    made = record.Record(
        template=plugin_type,
        made_with=__version__,
        schema_sha256=prompts.load(template).schema_sha256,
        name=name,
        answers=settled,
        base=files,
    )
    return Preview(target, settled, dict(sorted({**files, record.RECORD_NAME: made.to_bytes()}.items())))


def create(name: str, plugin_type: str, *, parent: Path, answers: Mapping[str, str] = NO_ANSWERS) -> Created:
    """Make the folder of a new plugin; it passes ``validate`` and ``test`` as it is.

    The folder is ``parent/name``. When ``parent`` is itself called ``name`` and is empty, it is filled in place.
    Either the whole folder appears or nothing does.

    Args:
        name: the plugin's name.
        plugin_type: one of `templates()`.
        parent: an existing folder.
        answers: see `preview`.

    Raises:
        MobileOpsError: what `preview` raises, and HostFault when the folder cannot be written (MOP7107).
    """
    planned = preview(name, plugin_type, parent=parent, answers=answers)
    with tempfile.TemporaryDirectory(prefix="mobileops-scaffold-") as scratch:
        rendered = Path(scratch, name)
        for file, content in planned.files.items():
            path = rendered / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        place.put(rendered, planned.path)
    return Created(path=planned.path, files=tuple(PurePosixPath(file) for file in planned.files))


def _require_type(plugin_type: str) -> None:
    known = templates()
    if plugin_type in known:
        return
    near = difflib.get_close_matches(plugin_type.lower(), known, n=1)
    raise UsageError(
        f"there is no template for plugin type {plugin_type!r}",
        code="MOP7101",
        why=f"the templates are {', '.join(known)}",
        fix=f"did you mean {near[0]!r}?" if near else "use one of these types",
    )
