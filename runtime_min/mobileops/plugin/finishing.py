"""The one result of a method, whatever kind it is of: what a queued request is answered with."""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine


def finished(result: Any, *, run: Callable[[Coroutine[Any, Any, Any]], Any] | None = None) -> Any:  # noqa: ANN401  a result
    """Return what a call has come to: a coroutine's result, a generator's values as a list, anything else as it is.

    Args:
        result: what the method returned.
        run: runs a coroutine to its end; `asyncio.run` when absent. Where an event loop runs already, the coroutine
            is returned, to be awaited.
    """
    if type(result) is types.GeneratorType:
        return list(result)
    awaitable = _listed(result) if inspect.isasyncgen(result) else result
    if type(awaitable) is not types.CoroutineType:
        return awaitable
    import asyncio  # noqa: PLC0415  70 ms that only plugins with async methods pay

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return (run or asyncio.run)(awaitable)
    return awaitable


async def _listed(values: AsyncGenerator[Any, Any]) -> list[Any]:
    return [value async for value in values]
