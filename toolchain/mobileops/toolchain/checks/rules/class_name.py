"""The plugin's class and the manifest's name have a word in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import python_file, sdk
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.python_file import Unparsable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1338"
MAX_NAME: Final = 200  # characters; the schema allows fewer

# Words that say what kind of thing it is, not which one.
_GENERIC: Final = frozenset({"plugin", "service", "processing", "processor", "integration", "ui", "main", "app"})


def check(source: Source) -> Iterator[Finding]:
    """Yield a warning for a class that seems to belong to another plugin.

    Lenient on purpose: ``my-plugin`` may have the class ``MyServicePlugin``, and a class with a generic name, like
    ``Main`` or ``Service``, is nobody else's.
    """
    name, entry_point = source.text_of("name"), source.text_of("entry_point")
    base = sdk.BASES.get(source.text_of("type") or "")
    if name is None or entry_point is None or base is None or len(name) > MAX_NAME:
        return
    tree = source.python(entry_point)
    if isinstance(tree, Unreadable | Unparsable):
        return  # other rules say so
    classes = [found for found in python_file.plugin_classes(tree) if found.base == base]
    if len(classes) != 1 or _akin(name, classes[0].name[:MAX_NAME]):
        return
    expected = "".join(word.capitalize() for word in re.split(r"[^a-z0-9]+", name.lower()))
    names = [expected] if expected.endswith("Plugin") else [f"{expected}Plugin", expected]
    yield Finding(
        code=CODE,
        what=f"the class of plugin {name!r} is called {classes[0].name[:MAX_NAME]!r}",
        where=source.where(entry_point, classes[0].spot),
        why="logs and tracebacks show the class, everything else shows the manifest's name",
        fix=f"call it {' or '.join(names)}",
        severity="warning",
    )


def _akin(name: str, class_name: str) -> bool:
    """Whether a name and a class share a word, or say nothing particular."""
    words = _particular(re.split(r"[^a-z0-9]+", name.lower()))
    others = _particular(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", class_name))
    if not words or not others:
        return True
    joined, other = re.sub(r"[^a-z0-9]", "", name.lower()), class_name.lower().replace("_", "")
    return any(word in other for word in words) or any(word in joined for word in others)


def _particular(words: list[str]) -> list[str]:
    return [word.lower() for word in words if len(word) > 1 and word.lower() not in _GENERIC]
