"""Names of plugins, and the class names made from them."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from typing import Final

from mobileops import plugin
from mobileops.errors import UsageError
from mobileops.toolchain.scaffold.prompts import objection

_TAKEN: Final = frozenset({*dir(builtins), *keyword.kwlist, *plugin.__all__, "Any"})


def require(name: str) -> None:
    """Check a plugin name against the schema's rule.

    Raises:
        UsageError: MOP7102, with a usable name as the suggestion when one can be made.
    """
    fault = objection("name", name)
    if fault is None:
        return
    near = suggestion(name)
    raise UsageError(
        f"{name!r} cannot be a plugin name",
        code="MOP7102",
        why=fault,
        fix=f"use {near!r}" if near else "use lower-case letters, digits and hyphens, like 'my-plugin'",
    )


def suggestion(name: str) -> str | None:
    """Return the usable name nearest to what was typed (``My Plugin`` -> ``my-plugin``), or None."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain)
    near = re.sub(r"[^a-z0-9]+", "-", parted.lower()).strip("-")
    return near if near and objection("name", near) is None else None


def class_name(name: str) -> str:
    """Return the class name for a valid plugin name: ``my-plugin`` -> ``MyPlugin``.

    A name that Python, its builtins or the SDK uses already gets ``Plugin`` appended (``none`` -> ``NonePlugin``),
    and one that begins with a digit gets it in front.
    """
    joined = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))
    if joined[:1].isdigit():
        return f"Plugin{joined}"
    return f"{joined}Plugin" if joined in _TAKEN else joined
