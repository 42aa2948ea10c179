"""``async def`` methods: all of them on one event loop, in a thread of its own, at the same time.

The thread is started by the first call. A call that is cancelled has its task cancelled, so ``finally`` and ``async
with`` blocks run; a stream waits for its caller's credit without holding up anything else.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.channel.rpc import STREAM_WINDOW, Frame, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from mobileops.runtime.sandboxed.serving.host import WorkerHost

CLOSE_TIMEOUT_S: Final = 2.0


class Coroutines:
    """Runs coroutines and asynchronous generators, and answers their requests."""

    def __init__(self, host: WorkerHost, *, on_error: Callable[[int, BaseException], None]) -> None:
        """Start the loop.

        Args:
            host: sends the answers.
            on_error: answers a request with an exception.
        """
        self._host = host
        self._on_error = on_error
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._credits: dict[int, asyncio.Semaphore] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="mobileops-async", daemon=True)
        self._thread.start()

    def call(self, request_id: int, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine and answer with its result."""
        self._loop.call_soon_threadsafe(self._begin, request_id, self._answer(request_id, coroutine))

    def stream(self, request_id: int, values: AsyncGenerator[Any, None]) -> None:
        """Run an asynchronous generator and send its values."""
        self._loop.call_soon_threadsafe(self._begin_stream, request_id, values)

    def cancel(self, request_id: int) -> None:
        """Cancel the task of a request, if it has one."""
        self._loop.call_soon_threadsafe(self._cancel, request_id)

    def grant(self, request_id: int, more: int) -> None:
        """Let the caller of a stream have more values."""
        self._loop.call_soon_threadsafe(self._grant, request_id, more)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  whatever it returns
        """Run a coroutine on the loop and wait for its result, from another thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Cancel what runs, wait for it `CLOSE_TIMEOUT_S` at most, and end the loop."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result(CLOSE_TIMEOUT_S * 2)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_TIMEOUT_S)
        if not self._loop.is_running():
            self._loop.close()

    async def _finish(self) -> None:
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)

    def _begin(self, request_id: int, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks[request_id] = self._loop.create_task(coroutine)

    def _begin_stream(self, request_id: int, values: AsyncGenerator[Any, None]) -> None:
        self._credits[request_id] = asyncio.Semaphore(STREAM_WINDOW)
        self._begin(request_id, self._send_all(request_id, values))

    def _cancel(self, request_id: int) -> None:
        if request_id in self._tasks:
            self._tasks[request_id].cancel()

    def _grant(self, request_id: int, more: int) -> None:
        if request_id in self._credits:
            for _ in range(more):
                self._credits[request_id].release()

    async def _answer(self, request_id: int, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            self._host.send(Frame(Kind.RESULT, request_id, "", await coroutine))
        except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
            coroutine.close()  # a task that is cancelled before its first step has not begun it
            self._on_error(request_id, error)
        finally:
            del self._tasks[request_id]

    async def _send_all(self, request_id: int, values: AsyncGenerator[Any, None]) -> None:
        credit = self._credits[request_id]
        try:
            try:
                await credit.acquire()
                async for value in values:
                    self._host.send(Frame(Kind.ITEM, request_id, "", value))
                    await credit.acquire()
            finally:
                await values.aclose()
            self._host.send(Frame(Kind.END, request_id, "", None))
        except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
            self._on_error(request_id, error)
        finally:
            del self._tasks[request_id], self._credits[request_id]
