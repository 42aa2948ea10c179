"""The embedded AI Core: each model in a sandboxed process of its own, never in the plugin manager.

A process is started when a model is first asked for, and ended after `IDLE_S` without a request, after `MAX_MODELS`
others were asked for since, or when it exceeds its limits or its time. It is confined like a plugin without any
permission; see `mobileops.runtime.platform.inference`, which runs in it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, HostFault, PluginError, PluginGone
from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.instances import overuse
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import Grant, Limits, SandboxPolicy
from mobileops.runtime.launching.identities import identity_index
from mobileops.runtime.output import OutputReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.launching.launched import Launched
    from mobileops.runtime.platform.providers import Surroundings

ENTRY: Final = "mobileops.runtime.platform.inference:main"
MAX_MODELS: Final = 4
IDLE_S: Final = 300.0
LOAD_DEADLINE_S: Final = 60.0
INFER_DEADLINE_S: Final = 30.0
LIMITS: Final = Limits(memory_bytes=1 << 30, processes=16, open_files=64, file_size_bytes=1 << 20)
INSTALL: Final = "pip install 'mobileops-runtime[ai]'"
_PACKAGES: Final = ("onnxruntime", "numpy")
_LAST_WORDS: Final = 5
_MODEL: Final = "/model.onnx"


class ModelProcess:
    """One model, from the start of its process to its end.

    Attributes:
        slot: which of the `MAX_MODELS` places it has.
        busy: how many requests wait for it.
        ended: whether it can be asked no more.
    """

    def __init__(self, launched: Launched, *, slot: int) -> None:
        """Read what a started process says."""
        self.slot = slot
        self.busy = 0
        self.ended = False
        self._launched = launched
        self._words: list[str] = []
        self._cause = ""
        self._facts: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._connection = Connection(
            launched.channel,
            on_note=self._noted,
            on_ask=_asks_nothing,
            on_closed=lambda _cause: self._closed(),
            arena=launched.arena,
        )
        OutputReader(launched.output, self._said)
        self._idle: asyncio.TimerHandle | None = None
        self._watch()

    async def facts(self) -> dict[str, Any]:
        """Wait until the model is loaded, and return what it takes and gives.

        Raises:
            PluginError: MOP5318, it cannot be loaded.
        """
        try:
            return await asyncio.wait_for(asyncio.shield(self._facts), LOAD_DEADLINE_S)
        except TimeoutError:
            self.kill(f"not loaded within {LOAD_DEADLINE_S:g} s")
            raise self._unusable() from None

    async def infer(self, value: Any) -> Any:  # noqa: ANN401  msgpack values
        """Run the model once.

        Raises:
            PluginError: MOP5317, the input does not fit; MOP5318, the process ended or took too long.
        """
        self.busy += 1
        self._stay()
        try:
            return await self._connection.request(Kind.CALL, "infer", {"input": value}, deadline_s=INFER_DEADLINE_S)
        except CallError as error:
            if error.code == "MOP5317":
                raise PluginError(
                    f"the model does not take this input: {error.what}",
                    code="MOP5317",
                    fix="look at Model.inputs of get_platform_api().ai.load()",
                ) from error
            self.kill(f"no answer within {INFER_DEADLINE_S:g} s")
            raise self._unusable() from error
        except PluginGone as error:
            raise self._unusable() from error
        finally:
            self.busy -= 1
            self._leave()

    def kill(self, cause: str) -> None:
        """End the process."""
        self._cause = self._cause or cause
        self._connection.close()

    def _noted(self, frame: Frame) -> None:
        if self._facts.done():
            return
        if frame.method == "loaded" and isinstance(frame.body, dict):
            self._facts.set_result(frame.body)
            self._leave()
        else:
            body = frame.body if isinstance(frame.body, dict) else {}
            self.kill(str(body.get("cause", "it gave no cause"))[:2000])

    def _said(self, line: str) -> None:
        self._words = [*self._words, line[:500]][-_LAST_WORDS:]

    def _closed(self) -> None:
        """Take everything of the process away; whatever closed its channel, it is of no use any more."""
        self.ended = True
        self._stay()
        self._cause = overuse.cause(self._launched, LIMITS) or self._cause
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._launched.pidfd, signal.SIGKILL)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._launched.pidfd, self._reaped, loop)
        if not self._facts.done():
            self._facts.set_exception(self._unusable())
            self._facts.exception()  # retrieved: perhaps nobody waits

    def _reaped(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._launched.pidfd)
        os.close(self._launched.pidfd)
        if self._launched.group is not None:
            self._launched.group.remove()

    def _watch(self) -> None:
        """Look at what it uses, again and again until it ends."""
        if self.ended:
            return
        cause = overuse.cause(self._launched, LIMITS)
        if cause is not None:
            self.kill(cause)
            return
        asyncio.get_running_loop().call_later(overuse.interval_s(self._launched), self._watch)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave(self) -> None:
        if not self.ended and self.busy == 0:
            self._stay()
            self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.kill, "idle")

    def _unusable(self) -> PluginError:
        words = "; ".join(self._words)
        return PluginError(
            f"the model cannot be used: {self._cause or 'its process ended'}",
            code="MOP5318",
            why=words or None,
            fix="give it an ONNX model that onnxruntime runs within its limits",
        )


class SandboxedAi:
    """Runs models in sandboxed processes."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Start nothing yet."""
        self._surroundings = surroundings
        self._running: dict[Path, ModelProcess] = {}

    async def load(self, name: str, path: Path) -> Mapping[str, Any]:
        """Return ``{"inputs", "outputs", "labels"}`` of a model's file; ``ai.model.loaded`` tells the others.

        Raises:
            HostFault: MOP5315, the extra is not installed.
            PluginError: MOP5318, it cannot be loaded.
        """
        running = self._running.get(path)
        if running is not None and not running.ended:
            self._running[path] = self._running.pop(path)  # the most recent one is the last
            return await running.facts()
        running = self._start(path)
        facts = await running.facts()
        self._surroundings.emit("ai.model.loaded", {"model_name": name})
        return facts

    async def infer(self, name: str, path: Path, value: Any) -> Mapping[str, Any]:  # noqa: ANN401  msgpack values
        """Return ``{"outputs", "label", "confidence"}`` for one input of a model's file.

        Raises:
            HostFault: MOP5315, the extra is not installed.
            PluginError: MOP5317, the input does not fit; MOP5318, the model cannot be used.
        """
        await self.load(name, path)
        answer: Mapping[str, Any] = await self._running[path].infer(value)
        return answer

    def close(self) -> None:
        """End every process."""
        for running in self._running.values():
            running.kill("the plugin manager stops")
        self._running.clear()

    def _start(self, path: Path) -> ModelProcess:
        folders = _packages()
        slot = self._free_slot()
        places = [Grant(str(path), read=True, write=False, inside=_MODEL)]
        places += [
            Grant(str(folder), read=True, write=False, inside=f"/packages/{number}", code=True)
            for number, folder in enumerate(folders)
        ]
        launcher = self._surroundings.launcher()
        if launcher.level == "FULL":
            told = {"packages": [place.inside for place in places[1:]], "model": _MODEL}
        else:
            told = {"packages": [str(folder) for folder in folders], "model": str(path)}
        launched = launcher.launch(self._policy(slot, tuple(places)), told, entry=ENTRY)
        self._running[path] = ModelProcess(launched, slot=slot)
        return self._running[path]

    def _policy(self, slot: int, places: tuple[Grant, ...]) -> SandboxPolicy:
        """Return what a model's process is confined to: a plugin without permissions, in folders that no plugin has."""
        home = self._surroundings.home
        app = home.store / ".ai"
        app.mkdir(exist_ok=True)
        app.chmod(0o755)  # not mkdir's mode: the umask must not keep its uid out
        name = f".ai-{slot}"  # no plugin's name begins with a dot
        return SandboxPolicy(
            name=f"ai-{slot}",
            app=str(app),
            data=str(home.data / name),
            uid=plugin_uid(identity_index(home.data, name)),
            limits=LIMITS,
            grants=places,
        )

    def _free_slot(self) -> int:
        """Return a place for a process, ending the one that was not asked for longest if all are taken."""
        for path, running in tuple(self._running.items()):
            if running.ended:
                del self._running[path]
        if len(self._running) >= MAX_MODELS:
            idle = next((path for path, running in self._running.items() if running.busy == 0), None)
            if idle is None:
                raise PluginError(
                    f"{MAX_MODELS} other models are in use", code="MOP5318", fix="ask again when one of them is done"
                )
            self._running.pop(idle).kill("others were asked for")
        taken = {running.slot for running in self._running.values()}
        return next(slot for slot in range(MAX_MODELS) if slot not in taken)


def _packages() -> list[Path]:
    """Return the folders that the engine is imported from; nothing is imported here.

    Raises:
        HostFault: MOP5315, it is not installed.
    """
    folders: list[Path] = []
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise HostFault(
                "this host has no inference engine",
                code="MOP5315",
                why=f"the Python package {name!r} is not installed",
                fix=INSTALL,
            )
        folder = Path(spec.origin).resolve().parents[1]
        if folder not in folders:
            folders.append(folder)
    return folders


async def _asks_nothing(_frame: Frame) -> Any:  # noqa: ANN401  never returns
    raise PluginError("a model asks for nothing", code="MOP5318")
