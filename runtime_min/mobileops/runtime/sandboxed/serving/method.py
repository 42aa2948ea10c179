"""One exported method: what kind it is, and a call of it with checked arguments."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, NotFoundError
from mobileops.runtime.channel.rpc import WRONG_ARGUMENT
from mobileops.runtime.sandboxed.serving.arguments import Arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NO_ARGUMENTS: Final[Mapping[str, Any]] = {}


class Method:
    """One exported method.

    Attributes:
        run: the bound method.
        streams: it is a generator, of either kind.
        waits: it is ``async def``, with or without ``yield``.
    """

    __slots__ = ("_arguments", "_name", "_unchecked", "run", "streams", "waits")

    def __init__(self, name: str, run: Callable[..., Any]) -> None:
        """Look at a method."""
        self.run = run
        self.streams = inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run)
        self.waits = inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run)
        self._name = name
        self._arguments: Arguments | None = None
        self._unchecked = range(0)

    def called(self, body: Any) -> Any:  # noqa: ANN401  whatever came, whatever the method returns
        """Call it with the body of a frame, if the arguments are right.

        Raises:
            CallError: they are not.
        """
        if type(body) is not dict:
            raise CallError("the arguments cannot be read", code=WRONG_ARGUMENT, remote_type="TypeError")
        args, kwargs = body.get("args", ()), body.get("kwargs")
        if not kwargs and len(args) in self._unchecked:
            return self.run(*args)
        return self.call(args, kwargs or _NO_ARGUMENTS)

    def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401  whatever the method returns
        """Call it, if the arguments are right.

        Raises:
            CallError: they are not.
        """
        if self._arguments is None:
            self._arguments = Arguments(self._name, self.run)
            self._unchecked = self._arguments.unchecked
        args, kwargs = self._arguments.check(args, kwargs)
        return self.run(*args, **kwargs) if kwargs else self.run(*args)


def unknown(method: str, known: tuple[str, ...]) -> NotFoundError:
    """Return what a request is for a method that is not there."""
    return NotFoundError(f"no plugin method {method!r}; there is {', '.join(known) or 'none'}", code="MOP5013")
