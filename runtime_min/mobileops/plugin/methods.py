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

    ==============================  ==================================================================================
    method                          how it runs
    ==============================  ==================================================================================
    ``def``                         one after the other, in the order of the calls
    ``async def``                   at the same time as all others, on one event loop; plain methods go on meanwhile
    ``def`` with ``yield``          each value goes to the caller at once; other methods run between two values
    ``async def`` with ``yield``    the same, on the event loop
    ==============================  ==================================================================================

    A caller that goes away, or whose deadline passes, cancels its call: one that has not begun never does, a plain
    method can ask ``self.cancelled()``, the task of an ``async def`` method is cancelled, a generator is closed.

    Args:
        function: its arguments are checked against its annotations, and its result must be a msgpack value: None,
        bool, int, float, str, bytes, list, dict. A generator yields such values; what it returns is not sent.

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
