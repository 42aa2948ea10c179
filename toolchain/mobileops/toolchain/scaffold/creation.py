"""`create`: check what was asked, render aside, then put the result in place in one step."""

from __future__ import annotations

import dataclasses
import difflib
import tempfile
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mobileops import manifest
from mobileops.errors import UsageError
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import names, place, render

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


def templates() -> tuple[str, ...]:
    """Return the plugin types that have a template, sorted."""
    return tuple(sorted(entry.parent.name for entry in cookiecutters_root().glob(f"*/{render.TEMPLATE_MARK}")))


def create(name: str, plugin_type: str, *, parent: Path, answers: Mapping[str, str] = NO_ANSWERS) -> Created:
    """Make the folder of a new plugin; it passes ``validate`` and ``test`` as it is.

    The folder is ``parent/name``. When ``parent`` is itself called ``name`` and is empty, it is filled in place.
    Either the whole folder appears or nothing does. cookiecutter changes the working directory while it renders, so
    call this from one thread.

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
        HostFault: the folder cannot be written (MOP7107) or the template is damaged (MOP7108).
    """
    _require_type(plugin_type)
    names.require(name)
    template = cookiecutters_root() / plugin_type
    context = {**render.checked_answers(template, answers), "name": name, "class_name": names.class_name(name)}
    target = place.choose_target(parent, name)
    with tempfile.TemporaryDirectory(prefix="mobileops-scaffold-") as scratch:
        rendered = render.render(template, context, into=Path(scratch))
        manifest.parse((rendered / MANIFEST_NAME).read_bytes(), where=MANIFEST_NAME)
        files = tuple(
            sorted(PurePosixPath(file.relative_to(rendered)) for file in rendered.rglob("*") if file.is_file())
        )
        place.put(rendered, target)
    return Created(path=target, files=files)


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
