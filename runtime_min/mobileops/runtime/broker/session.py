"""One plugin at the broker: one thread that waits for its calls, its questions and its datagrams.

A thread each, so that nothing one plugin does makes another wait. A fault in here ends this plugin's network and
nothing else: its listener is closed, and the kernel answers its calls with ENOSYS.
"""

from __future__ import annotations

import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.runtime.broker import options
from mobileops.runtime.broker.calls import Calls
from mobileops.runtime.broker.judge import Judge
from mobileops.runtime.broker.names import Names
from mobileops.runtime.broker.relay import Relay
from mobileops.runtime.broker.replacing import Replacements
from mobileops.runtime.broker.stub import Resolver, Stub

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from mobileops.runtime.audit import AuditLog
    from mobileops.runtime.broker.notify import Listener
    from mobileops.runtime.isolation.network import NetworkGrants

PAUSE_S: Final = 0.25
"""How long a name server's stream waits for a descriptor, when this process has none left, before it is tried again."""
_GONE: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Session:
    """Everything the broker does for one plugin.

    Args:
        grants: what the plugin may do.
        listener: its calls; owned from here on.
        sockets: in its namespace: the name server's UDP and TCP socket, then one or two for each UDP port.
        audit: where decisions are written.
        binder: where the plugin manager binds privileged ports, if the plugin has any; owned from here on.
    """

    def __init__(
        self,
        grants: NetworkGrants,
        listener: Listener,
        sockets: list[socket.socket],
        audit: AuditLog,
        *,
        binder: socket.socket | None,
    ) -> None:
        self._listener = listener
        self._sockets = sockets if binder is None else [*sockets, binder]
        self._audit = audit
        self._poll = select.poll()
        self._ready: dict[int, tuple[Callable[[], None], bool]] = {}
        names = Names()
        judge = Judge(grants, names)
        self._paused: dict[socket.socket, float] = {}
        stub = Stub(sockets[0], sockets[1], Resolver(judge, names, audit), pause=self._pause)
        network = options.network_of(sockets[0])
        self._replacements = Replacements(listener, watch=self._when_writable)
        self._calls = Calls(listener, judge, audit, network=network, binder=binder, replacements=self._replacements)
        self._when_readable(sockets[0], stub.on_datagrams)
        self._when_readable(sockets[1], stub.on_streams)
        self._relay = Relay(sockets[2:], judge, audit, watch=self._when_readable, forget=self._forget)
        self._poll.register(listener, select.POLLIN)

    def run(self) -> None:
        """Serve until no process of the plugin is left; then close everything."""
        try:
            while self._turn():
                pass
        finally:
            self._close()

    def _turn(self) -> bool:
        deadline = min(self._deadlines(), default=None)
        wait_ms = None if deadline is None else max(0, int((deadline - time.monotonic()) * 1000) + 1)
        events = dict(self._poll.poll(wait_ms))
        happened = events.pop(self._listener.fileno(), 0)
        for number in events:
            act, once = self._ready.get(number, (None, False))
            if once:
                self._poll.unregister(number)
                del self._ready[number]
            if act is not None:
                act()
        self._replacements.expire()
        self._resume()
        if happened & select.POLLIN:
            notification = self._listener.receive()
            if notification is not None:
                self._calls.handle(notification)
        return not happened & _GONE

    def _deadlines(self) -> list[float]:
        """Return when there is something to do although nothing happens, by the monotonic clock."""
        first = self._replacements.next_deadline
        return [*self._paused.values(), *([] if first is None else [first])]

    def _pause(self, one: socket.socket) -> None:
        """Do not look at a socket for `PAUSE_S`."""
        self._poll.unregister(one)
        self._paused[one] = time.monotonic() + PAUSE_S

    def _resume(self) -> None:
        now = time.monotonic()
        for one in [one for one, until in self._paused.items() if until <= now]:
            del self._paused[one]
            self._poll.register(one, select.POLLIN)

    def _when_readable(self, one: socket.socket, act: Callable[[], None]) -> None:
        self._ready[one.fileno()] = (act, False)
        self._poll.register(one, select.POLLIN)

    def _when_writable(self, one: socket.socket, act: Callable[[], None]) -> None:
        self._ready[one.fileno()] = (act, True)
        self._poll.register(one, select.POLLOUT)

    def _forget(self, one: socket.socket) -> None:
        self._ready.pop(one.fileno(), None)
        with suppress(KeyError):
            self._poll.unregister(one)

    def _close(self) -> None:
        self._listener.close()
        self._replacements.close()
        self._relay.close()
        for one in self._sockets:
            one.close()
