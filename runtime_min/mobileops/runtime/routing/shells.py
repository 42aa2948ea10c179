"""Shells of the operator: statements that run inside a running plugin, in its sandbox and with its permissions.

A shell needs no debug mode, because it opens nothing: the plugin's own account may already read its data and change its
settings, and what is typed can do no more than the plugin's code. It is the operator's act, so each one is announced in
the plugin's log, and each statement is in the audit log before it is run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import MobileOpsError, PluginError, RefusedError, UsageError
from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.instances.lifecycle import SERVING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from mobileops.runtime.channel.connection import Connection
    from mobileops.runtime.instances.instance import Instance

MAX_SHELLS: Final = 4
"""Of one plugin at a time: each is a thread in its process."""

MAX_SOURCE_BYTES: Final = 256 << 10
INTERRUPT_S: Final = 5.0
"""How long a plugin may take to say that it was told."""

_SHELL: Final = "shell"
_TEXTS: Final = ("output", "error")
_FACTS: Final = ("more", "exit", "failed")


class Shells:
    """The open shells of one plugin manager.

    Args:
        running: returns a running plugin by its name; raises NotFoundError or PluginError.
    """

    def __init__(self, running: Callable[[str], Instance]) -> None:
        self._running = running
        self._open: dict[int, Instance] = {}
        self._last = 0

    async def session(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """Open a shell, yield what it is called, and keep it open until this is closed, or the plugin ends.

        Raises:
            NotFoundError: the plugin is not installed.
            PluginError: it does not run.
            RefusedError: too many of its shells are open (MOP5605).
        """
        instance = self._running(name)
        _connected(instance)
        if sum(one is instance for one in self._open.values()) >= MAX_SHELLS:
            raise RefusedError(
                f"{MAX_SHELLS} shells of {name!r} are open already", code="MOP5605", fix="leave one of them with Ctrl-D"
            )
        self._last += 1
        number = self._last
        self._open[number] = instance
        try:
            instance.write("WARNING", "the operator opened a shell", fields={"shell": number})
            pid = None if instance.launched is None else instance.launched.pid
            yield {"session": number, "version": instance.receipt.version, "pid": pid}
            await instance.ended.wait()
        finally:
            del self._open[number]
            instance.write("INFO", "the shell was closed", fields={"shell": number})
            if instance.connection is not None:
                with suppress(MobileOpsError):
                    _tell(instance.connection, {"session": number, "close": True})

    async def run(self, number: int, source: str, *, script: bool, deadline_s: float) -> dict[str, Any]:
        """Run a statement, or all of a script.

        Args:
            number: of an open shell.
            source: what the operator typed.
            script: whether it is statement after statement, and not one that may go on.
            deadline_s: how long it may take; then it is interrupted.

        Returns:
            ``{"output", "error": text, "dropped": characters, "more", "exit", "failed": bool}``.

        Raises:
            PluginError: there is no such shell (MOP5604).
            UsageError: the source is too long (MOP5606).
            CallError: it was not done in time (MOP5014).
            PluginGone: the plugin ended.
            HostFault: it cannot be written down, so it is not run (MOP4310).
        """
        instance = self._instance(number)
        if len(source.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
            raise too_long()
        instance.decisions.operated(_SHELL, instance.hide(source), reason=f"typed in shell {number}")
        body = {"session": number, "source": source, "script": script}
        answer = await _connected(instance).request(Kind.CONTROL, _SHELL, body, deadline_s=deadline_s)
        return _checked(answer, hide=instance.hide)

    def interrupt(self, number: int) -> None:
        """Raise KeyboardInterrupt in what a shell runs.

        Raises:
            PluginError: there is no such shell (MOP5604).
            PluginGone: the plugin ended.
        """
        _tell(_connected(self._instance(number)), {"session": number, "interrupt": True})

    def _instance(self, number: int) -> Instance:
        if number not in self._open:
            raise not_open(f"there is no shell {number}")
        return self._open[number]


def not_open(what: str) -> PluginError:
    """Return what it is to ask a shell that has ended."""
    return PluginError(what, code="MOP5604", fix="open another one with 'mobileops shell NAME'")


def too_long() -> UsageError:
    """Return what it is to run more than `MAX_SOURCE_BYTES`."""
    return UsageError(
        f"what is to be run is longer than {MAX_SOURCE_BYTES} bytes",
        code="MOP5606",
        fix="run it in pieces, or make it a method of the plugin",
    )


def _connected(instance: Instance) -> Connection:
    if instance.connection is None or instance.state not in SERVING:
        raise PluginError(f"{instance.name!r} is {instance.state}", code="MOP5105", fix="wait until it runs")
    return instance.connection


def _tell(connection: Connection, body: dict[str, Any]) -> None:
    """Send a request whose answer says nothing."""
    connection.ask(Kind.CONTROL, _SHELL, body, deadline_s=INTERRUPT_S, on_answer=lambda _value, _error: None)


def _checked(answer: Any, *, hide: Callable[[str], str]) -> dict[str, Any]:  # noqa: ANN401  whatever the plugin says
    """Return an answer in its form, whoever made it, without secrets."""
    found = answer if isinstance(answer, dict) else {}
    texts = {name: hide(str(found.get(name, ""))) for name in _TEXTS}
    dropped = found.get("dropped", 0)
    facts = {name: found.get(name) is True for name in _FACTS}
    return {**texts, **facts, "dropped": dropped if isinstance(dropped, int) else 0}
