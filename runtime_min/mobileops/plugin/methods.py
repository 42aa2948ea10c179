"""Which methods of a plugin others may call.

A method is exported when it, or the method of the same name that it overrides, is marked `plugin_method`. The base
classes mark the methods that the
platform itself promises (`ProcessingPlugin.process`), so an author who overrides one need not repeat the mark.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

MARK: Final = "__mobileops_method__"

F = TypeVar("F", bound=Callable[..., Any])


def plugin_method(function: F) -> F:
    """Mark a method as callable from outside the plugin.

    Args:
        function: a plain or ``async def`` method; its arguments and result must be msgpack values (None, bool, int,
        float, str, bytes, list, dict).

    Returns:
        The same function, marked.

    Raises:
        TypeError: the name starts with an underscore: such names are never served.
    """
    if function.__name__.startswith("_"):
        message = f"{function.__qualname__}: a name that starts with '_' is private and cannot be a plugin_method"
        raise TypeError(message)
    setattr(function, MARK, True)
    return function


def exported(cls: type) -> tuple[str, ...]:
    """Return the names of the exported methods of a class, sorted."""
    marked = {name for base in cls.__mro__ for name, value in vars(base).items() if getattr(value, MARK, False)}
    return tuple(sorted(name for name in marked if callable(getattr(cls, name, None))))
