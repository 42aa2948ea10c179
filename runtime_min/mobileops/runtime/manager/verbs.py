"""What may be asked over the control socket: each request becomes one call of the supervisor, or a stream of values."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import msgspec

from mobileops.errors import UsageError
from mobileops.runtime.channel.rpc import Call, Frame, Kind
from mobileops.runtime.routing.events import OPERATOR
from mobileops.runtime.supervision.reloading import DRAIN_S
from mobileops.runtime.supervision.supervisor import DEFAULT_DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from mobileops.runtime.channel.waiting import OnAnswer
    from mobileops.runtime.manager.metrics_endpoint import MetricsEndpoint
    from mobileops.runtime.routing.calls import OneCall
    from mobileops.runtime.routing.debugging import Session
    from mobileops.runtime.supervision.supervisor import Supervisor


class CallRequest(msgspec.Struct, frozen=True):
    """The body of the request ``call``; its arguments stay msgpack, for the plugin to decode."""

    name: str
    method: str
    args: msgspec.Raw = msgspec.Raw(b"\x90")
    kwargs: msgspec.Raw = msgspec.Raw(b"\x80")
    deadline_s: float = DEFAULT_DEADLINE_S
    queued: bool = False
    stream: bool = False


class Verbs:
    """Answers the requests of the command line."""

    def __init__(self, supervisor: Supervisor, *, endpoint: MetricsEndpoint, shut_down: Callable[[], object]) -> None:
        """Serve one supervisor.

        Args:
            supervisor: of the plugins.
            endpoint: serves metrics.
            shut_down: makes the plugin manager end, after the answer has gone out.
        """
        self._supervisor = supervisor
        self._endpoint = endpoint
        self._shut_down = shut_down
        self._verbs: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "ping": self._ping,
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "reload": self._reload,
            "configure": self._configure,
            "rollback": self._rollback,
            "call": self._call,
            "panel": self._panel,
            "debug-facts": self._debug_facts,
            "emit": self._emit,
            "shell-run": self._shell_run,
            "shell-interrupt": self._shell_interrupt,
            "wait": self._wait,
            "health": self._health,
            "status": self._status,
            "glance": self._glance,
            "sample": self._sample,
            "serve-metrics": self._serve_metrics,
            "shutdown": self._shutdown,
        }

    def begin(self, request: CallRequest, *, on_answer: OnAnswer) -> OneCall | None:
        """Begin a call that has one result; None when it streams.

        Raises:
            MobileOpsError: as `mobileops.runtime.routing.calls.Calls.begin`.
        """
        calls = self._supervisor.calls
        if request.stream and not request.queued and calls.streams(request.name, request.method):
            return None
        return calls.begin(
            request.name,
            request.method,
            body=Call(request.args, request.kwargs),
            queued=request.queued,
            deadline_s=request.deadline_s,
            on_answer=on_answer,
        )

    def stream(self, frame: Frame) -> AsyncGenerator[Any, None] | None:
        """Return the values of a request that is answered by more than one; None when it is not.

        Raises:
            NotFoundError: it is about a plugin that is not installed.
            PluginError: it is about a plugin that does not run.
        """
        body = frame.body
        if frame.kind is not Kind.CALL or not isinstance(body, dict) or not body.get("stream"):
            return None
        if frame.method == "watch":
            return self._watch(str(body["pattern"]))
        if frame.method == "shell":
            return self._supervisor.shells.session(str(body["name"]))
        if frame.method != "call" or body.get("queued"):
            return None
        name, method = str(body["name"]), str(body["method"])
        if not self._supervisor.calls.streams(name, method):
            return None
        return self._supervisor.calls.stream(name, method, body=_arguments(body), deadline_s=_deadline_s(body))

    def attach(self, body: dict[str, Any], *, who: str) -> Session:
        """Attach an editor to a plugin; whoever asked for it is that editor from the answer on.

        Args:
            body: ``{"name": plugin}``.
            who: asks.

        Raises:
            MobileOpsError: as `mobileops.runtime.routing.debugging.Debugging.attach`.
        """
        return self._supervisor.debugging.attach(str(body["name"]), who=who)

    async def answer(self, frame: Frame) -> Any:  # noqa: ANN401  plain values
        """Carry out a request that has one answer, and return it.

        Raises:
            MobileOpsError: there is no such request (MOP5203), or whatever the supervisor raises.
        """
        verb = self._verbs.get(frame.method)
        if verb is None or frame.kind is not Kind.CALL or not isinstance(frame.body, dict):
            raise UsageError(
                f"the plugin manager has no request {frame.method!r}",
                code="MOP5203",
                fix="restart it: its version differs from the command's",
            )
        return await verb(frame.body)

    async def _ping(self, _body: dict[str, Any]) -> dict[str, Any]:
        return {"pid": os.getpid(), "active": self._supervisor.active()}

    async def _start(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.start(str(body["name"]), debug=bool(body.get("debug")))

    async def _stop(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.stop(str(body["name"]), force=bool(body.get("force")))

    async def _restart(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.restart(str(body["name"]), debug=bool(body.get("debug")))

    async def _reload(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        name = str(body["name"])
        if body.get("in_place"):
            return await self._supervisor.reload_in_place(name)
        drain_s = float(body.get("drain_s", DRAIN_S))
        return await self._supervisor.reload(name, debug=bool(body.get("debug")), drain_s=drain_s)

    async def _configure(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        changed = [str(one) for one in body["changed"]]
        return await self._supervisor.configure(str(body["name"]), apply=str(body["apply"]), changed=changed)

    async def _rollback(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.rollback(str(body["name"]))

    async def _call(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  msgpack, as the plugin wrote it
        return await self._supervisor.calls.call(
            str(body["name"]),
            str(body["method"]),
            body=_arguments(body),
            queued=bool(body.get("queued")),
            deadline_s=_deadline_s(body),
        )

    async def _panel(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.panels.show(str(body["name"]), str(body["panel"]), deadline_s=_deadline_s(body))

    async def _emit(self, body: dict[str, Any]) -> int:
        return self._supervisor.events.emit(str(body["topic"]), dict(body["event"]), by=OPERATOR)

    async def _watch(self, pattern: str) -> AsyncGenerator[Any, None]:
        with self._supervisor.events.onlooker(pattern) as onlooker:
            async with contextlib.aclosing(onlooker.events()) as events:
                async for event in events:
                    yield event

    async def _debug_facts(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return self._supervisor.debugging.facts(str(body["name"]))

    async def _shell_run(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.shells.run(
            int(body["session"]),
            str(body["source"]),
            script=bool(body.get("script")),
            deadline_s=_deadline_s(body),
        )

    async def _shell_interrupt(self, body: dict[str, Any]) -> None:
        self._supervisor.shells.interrupt(int(body["session"]))

    async def _wait(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.roster.wait(str(body["name"]), str(body["state"]), float(body["timeout_s"]))

    async def _health(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return await self._supervisor.health(str(body["name"]))

    async def _status(self, body: dict[str, Any]) -> Any:  # noqa: ANN401  plain values
        return [self._supervisor.describe(str(name)) for name in body["names"]]

    async def _serve_metrics(self, _body: dict[str, Any]) -> str | None:
        return await self._endpoint.open()

    async def _glance(self, body: dict[str, Any]) -> str:
        """Return JSON text, for `mobileops.cli.glance`: name -> state, cause, since, pid, version of its run."""
        found = {name: self._supervisor.describe(name) for name in str(body["names"]).split("\n")}
        brief = {
            name: [one["state"], one["cause"], one["since"], one["pid"], one.get("version")]
            for name, one in found.items()
        }
        return msgspec.json.encode(brief).decode()

    async def _sample(self, _body: dict[str, Any]) -> dict[str, Any]:
        return self._supervisor.metrics.sample()

    async def _shutdown(self, _body: dict[str, Any]) -> dict[str, Any]:
        self._shut_down()
        return {"pid": os.getpid()}


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    return {"args": list(body.get("args", ())), "kwargs": dict(body.get("kwargs", {}))}


def _deadline_s(body: dict[str, Any]) -> float:
    return float(body.get("deadline_s", DEFAULT_DEADLINE_S))
