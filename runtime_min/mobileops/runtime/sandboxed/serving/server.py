"""The serving thread's dispatcher.

Plain methods run one after the other, never beside each other, in the order of the calls, with lifecycle requests,
events and messages between them. A plugin that has nothing else runs them in the thread that reads the channel:
nothing is faster. One that exports ``async def`` methods or generators has a second thread for the plain ones, so that
the reading thread is always there for the rest.

Every request is answered exactly once. A cancelled one too: with its result if it was done all the same, else with
``CancelledError``.
"""

from __future__ import annotations

import queue
import threading
import traceback
import types
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import MobileOpsError
from mobileops.plugin.messages import Sender
from mobileops.plugin.methods import exported
from mobileops.runtime.channel.rpc import CALL, RESULT, WRONG_ARGUMENT, Frame, Kind
from mobileops.runtime.sandboxed.serving.lifecycle import Lifecycle
from mobileops.runtime.sandboxed.serving.method import Method, unknown
from mobileops.runtime.sandboxed.serving.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.plugin.base import Plugin
    from mobileops.runtime.sandboxed.activity import Activity
    from mobileops.runtime.sandboxed.serving.coroutines import Coroutines
    from mobileops.runtime.sandboxed.serving.host import WorkerHost
    from mobileops.runtime.sandboxed.serving.shell import Shells

_NOT_YET: Final = object()


class Server:
    """Answers the requests to one plugin."""

    def __init__(
        self, host: WorkerHost, plugin: Plugin, *, activity: Activity, app: Path, on_gone: Callable[[], object]
    ) -> None:
        """Serve one plugin.

        Args:
            host: the plugin's host.
            plugin: the instance.
            activity: what runs in the main thread.
            app: the plugin's folder, for hooks.
            on_gone: called when the plugin manager is gone.
        """
        self._host = host
        self._plugin = plugin
        self._activity = activity
        self._lifecycle = Lifecycle(host, plugin, activity=activity, app=app)
        self._on_gone = on_gone
        self._methods = {name: Method(name, getattr(plugin, name)) for name in exported(type(plugin))}
        self._cancelled = host.exchange.cancelled
        self._waiting: set[int] = set()
        self._streams: dict[int, Stream] = {}
        self._coroutines: Coroutines | None = None
        self._shells: Shells | None = None
        self._making_loop = threading.Lock()
        host.run_coroutine = lambda coroutine: self._loop().run(coroutine)
        self._work: queue.SimpleQueue[Callable[[], None] | Frame | None] | None = None
        if any(method.streams or method.waits for method in self._methods.values()):
            self._work = queue.SimpleQueue()
        self._reply = host.exchange.reply

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the exported methods."""
        return tuple(self._methods)

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of those that stream their results."""
        return tuple(name for name, method in self._methods.items() if method.streams)

    def serve(self) -> None:
        """Answer frames until "stop", or until the manager is gone: without it a plugin has no reason to live."""
        working = None
        if self._work is not None:
            working = threading.Thread(target=self._serve_work, name="mobileops-methods", daemon=True)
            working.start()
        try:
            self._serve()
        except MobileOpsError:  # PluginGone, or a ProtocolViolation: whoever is there is no manager
            self._on_gone()
        finally:
            if self._work is not None and working is not None:
                self._work.put(None)
                working.join()
            self._activity.finish()
            if self._coroutines is not None:
                self._activity.wait()  # it may need the event loop for its last steps
                self._coroutines.close()

    def _serve(self) -> None:
        """Read requests; run them here, too, where no second thread does."""
        next_request, is_alone, lifecycle = self._host.exchange.next_request, self._work is None, self._lifecycle
        if is_alone:
            self._host.serving_thread = threading.get_ident()
        while not lifecycle.is_over:
            frame = next_request()
            if is_alone and frame.kind is CALL:
                self._run(frame)
            else:
                self._dispatch(frame)

    def _serve_work(self) -> None:
        """Run plain methods, values of streams and lifecycle requests; the second thread of plugins that need it."""
        work = self._work
        assert work is not None  # noqa: S101  this thread is started only with it
        self._host.serving_thread = threading.get_ident()
        try:
            while (one := work.get()) is not None:
                if isinstance(one, Frame):
                    self._run(one)
                    self._waiting.discard(one.id)
                    self._cancelled.discard(one.id)
                else:
                    one()
            for stream in tuple(self._streams.values()):
                stream.cancel()
        except MobileOpsError:
            self._on_gone()

    def _dispatch(self, frame: Frame) -> None:
        kind = frame.kind
        if kind is CALL:
            self._called(frame)
        elif kind is Kind.CANCEL:
            self._cancel(frame.id)
        elif kind is Kind.CREDIT:
            self._grant(frame.id, frame.body)
        elif kind is Kind.QUEUE:
            self._host.enqueue(frame)
        elif frame.method == "shell" and kind is Kind.CONTROL:
            self._shell(frame)
        elif self._work is None:
            self._run(frame)
        elif frame.method == "stop" and kind is Kind.CONTROL:
            done = threading.Event()
            self._work.put(frame)
            self._work.put(done.set)
            done.wait()
        else:
            self._work.put(frame)

    def _shell(self, frame: Frame) -> None:
        """Hand over what the operator types, which is run beside the methods."""
        if self._shells is None:
            from mobileops.runtime.sandboxed.serving.shell import Shells  # noqa: PLC0415  only a shell needs it

            self._shells = Shells(self._plugin, reply=self._host.send)
        try:
            self._shells.take(frame)
        except Exception as error:  # noqa: BLE001  no thread can be started, for example
            self._fail(frame.id, error)

    def _called(self, frame: Frame) -> None:
        if self._work is None:
            self._run(frame)
            return
        method = self._methods.get(frame.method)
        if method is None or not method.waits:
            self._waiting.add(frame.id)
            self._work.put(frame)
            return
        try:
            result = method.called(frame.body)
            if method.streams:
                self._loop().stream(frame.id, result)
            else:
                self._loop().call(frame.id, result)
        except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
            self._fail(frame.id, error)

    def _cancel(self, request_id: int) -> None:
        """Pass a cancellation on; the request may be queued, may run, may stream, or may be done."""
        if self._host.drop(request_id):
            self._host.refuse(request_id, "CancelledError", "the request was cancelled", code="MOP5017")
        if self._coroutines is not None:
            self._coroutines.cancel(request_id)
        if self._shells is not None:
            self._shells.cancel(request_id)
        if self._work is not None and request_id in self._streams:
            self._work.put(lambda: self._cancel_stream(request_id))
        elif request_id not in self._waiting:
            self._cancelled.discard(request_id)

    def _cancel_stream(self, request_id: int) -> None:
        if request_id in self._streams:
            self._streams[request_id].cancel()

    def _grant(self, request_id: int, more: int) -> None:
        if self._coroutines is not None:
            self._coroutines.grant(request_id, more)
        stream = self._streams.get(request_id)
        if stream is not None and self._work is not None:
            self._work.put(lambda: stream.grant(more))

    def _run(self, frame: Frame) -> None:
        """Run what is done in order: a plain call, a lifecycle request, an event or a message."""
        kind = frame.kind
        if kind is Kind.DELIVER:
            self._deliver(frame.method, frame.body)
            return
        request_id, host = frame.id, self._host
        if request_id in self._cancelled:
            host.refuse(request_id, "CancelledError", "the call was cancelled before it began", code="MOP5017")
            return
        host.running = request_id
        try:
            result = self._call(frame) if kind is CALL else self._lifecycle.run(frame.method, frame.body)
            if result is not _NOT_YET:
                self._reply(Frame(RESULT, request_id, "", result))
        except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
            self._fail(request_id, error)
        finally:
            host.running = 0

    def _call(self, frame: Frame) -> Any:  # noqa: ANN401  whatever the method returns
        method = self._methods.get(frame.method)
        if method is None:
            raise unknown(frame.method, self.methods)
        result = method.called(frame.body)
        if method.streams:
            self._open(frame.id, result)
            return _NOT_YET
        if type(result) is types.CoroutineType:  # a plain method that hands on what it did not await
            return self._loop().run(result)
        return result

    def _open(self, request_id: int, values: Any) -> None:  # noqa: ANN401  a generator
        assert self._work is not None  # noqa: S101  a plugin with generators has it
        self._streams[request_id] = Stream(
            self._host, request_id, values=values, again=self._work.put, on_error=self._fail, on_end=self._ended
        )
        self._streams[request_id].schedule()

    def _ended(self, request_id: int) -> None:
        del self._streams[request_id]
        self._cancelled.discard(request_id)

    def _loop(self) -> Coroutines:
        with self._making_loop:
            if self._coroutines is None:
                from mobileops.runtime.sandboxed.serving.coroutines import Coroutines  # noqa: PLC0415  70 ms that only plugins with async methods pay

                self._coroutines = Coroutines(self._host, on_error=self._fail)
            return self._coroutines

    def _deliver(self, what: str, body: dict[str, Any]) -> None:
        """Hand over an event or a message; nobody waits for what comes of it."""
        try:
            if what == "event":
                self._plugin.deliver_event(body["topic"], body["event"])
            elif what == "message":
                answered = self._plugin.handle_message(Sender(body["sender"], body["id"]), body["body"])
                self._host.settle(answered)
        except Exception as error:  # noqa: BLE001  a broken handler is the plugin's own matter
            self._host.log("ERROR", f"handling the {what} failed: {type(error).__name__}: {error}", {})

    def _fail(self, request_id: int, error: BaseException) -> None:
        """Answer a request with an exception."""
        detail = "".join(traceback.format_exception(error)) if self._host.debug else None
        kind, code, message = type(error).__name__, "MOP5010", str(error)
        if isinstance(error, MobileOpsError):
            code, message = error.code, error.what
        if code == WRONG_ARGUMENT:
            kind = TypeError.__name__
        elif kind == "CancelledError":
            code, message = "MOP5017", message or "the call was cancelled"
        self._host.refuse(request_id, kind, message, code=code, detail=detail)
