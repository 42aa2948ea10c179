"""Methods that are generators: each value goes to the caller as soon as it is there, and no faster than it is taken.

A plain generator runs where plain methods run, one value at a time, so that it neither runs beside one of them nor
keeps them from running while its caller is slow. One whose caller went away is closed: its ``finally`` blocks run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.runtime.channel.rpc import STREAM_WINDOW, Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mobileops.runtime.sandboxed.serving.host import WorkerHost


class Stream:
    """One open generator; all its methods are called in the thread of the plain methods.

    Attributes:
        id: of the request that opened it.
    """

    def __init__(
        self,
        host: WorkerHost,
        request_id: int,
        *,
        values: Generator[Any, None, Any],
        again: Callable[[Callable[[], None]], None],
        on_error: Callable[[int, BaseException], None],
        on_end: Callable[[int], None],
    ) -> None:
        """Open a stream with the credit of `STREAM_WINDOW` values.

        Args:
            host: sends the values.
            request_id: of the request that opened it.
            values: the generator.
            again: has a function called after the other work that waits.
            on_error: answers a request with an exception.
            on_end: called when the last frame of this stream was sent.
        """
        self.id = request_id
        self._host = host
        self._values = values
        self._again = again
        self._on_error = on_error
        self._on_end = on_end
        self._credit = STREAM_WINDOW
        self._open = True
        self._scheduled = False

    def grant(self, more: int) -> None:
        """Let the caller have more values."""
        self._credit += more
        self.schedule()

    def schedule(self) -> None:
        """Have the next value made, unless that is on its way."""
        if self._open and not self._scheduled:
            self._scheduled = True
            self._again(self._step)

    def cancel(self) -> None:
        """Close the generator, whose caller went away; safe to call twice."""
        if self._open:
            self._open = False
            try:
                self._values.close()
            except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
                self._fail(error)
            else:
                self._host.refuse(self.id, "CancelledError", "the stream was cancelled", code="MOP5017")
                self._on_end(self.id)

    def _step(self) -> None:
        self._scheduled = False
        if not self._open or self._credit <= 0:
            return
        self._host.running = self.id
        try:
            value = next(self._values)
            self._host.send(Frame(Kind.ITEM, self.id, "", value))
        except StopIteration:
            self._open = False
            self._host.send(Frame(Kind.END, self.id, "", None))
            self._on_end(self.id)
            return
        except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
            self._open = False
            self._values.close()  # it may still stand at the value that could not be sent
            self._fail(error)
            return
        finally:
            self._host.running = 0
        self._credit -= 1
        if self._credit:
            self.schedule()

    def _fail(self, error: BaseException) -> None:
        self._on_error(self.id, error)
        self._on_end(self.id)
