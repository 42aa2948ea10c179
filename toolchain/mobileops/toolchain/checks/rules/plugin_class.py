"""The entry point defines exactly one plugin class, of the base class that belongs to the manifest's type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import python_file, sdk
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.python_file import Unparsable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1324"
MAX_NAMED: Final = 5  # classes named in one message


def check(source: Source) -> Iterator[Finding]:
    """Yield one finding if the class is missing, of another base, or not the only one."""
    name, plugin_type = source.text_of("entry_point"), source.text_of("type") or ""
    if name is None or plugin_type not in sdk.BASES:
        return
    tree = source.python(name)
    if isinstance(tree, Unreadable | Unparsable):
        return  # other rules say so
    wanted = sdk.BASES[plugin_type]
    classes = python_file.plugin_classes(tree)
    right = [found for found in classes if found.base == wanted]
    if len(right) == 1 or (not right and python_file.has_foreign_bases(tree)):
        return
    if right:
        listed = ", ".join(f"{found.name} (line {found.spot.line})" for found in right[:MAX_NAMED])
        what = f"{len(right)} classes derive from {wanted}: {listed}"
        yield _finding(what, source.where(name, right[1].spot), plugin_type)
    elif classes:
        other = classes[0]
        what = f"class {other.name} derives from {other.base}, but the type is {plugin_type!r}"
        yield _finding(what, source.where(name, other.spot), plugin_type)
    else:
        yield _finding(f"no class derives from {wanted}", name, plugin_type)


def _finding(what: str, where: str, plugin_type: str) -> Finding:
    base = sdk.BASES[plugin_type]
    return Finding(
        code=CODE,
        what=what,
        where=where,
        why=f"the manifest says type {plugin_type!r}: the platform makes the one class derived from {base}",
        fix=f"define one class derived from mobileops.plugin.{base}, or change the type",
    )
