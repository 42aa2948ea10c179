"""The name server of one plugin: its sockets lie in the plugin's namespace, the looking up is done outside.

Names that no permission names do not exist. Addresses that are not public are left out of the answers, and are not
remembered for the name: that a name leads to 127.0.0.1 today and to a public address tomorrow (DNS rebinding) opens
nothing. Looking up takes a thread each, at most `THREADS` of them; a plugin that asks more gets no answer meanwhile.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.runtime.broker import dns
from mobileops.runtime.broker.addresses import Address, canonical
from mobileops.runtime.broker.judge import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.audit import AuditLog
    from mobileops.runtime.broker.judge import Judge
    from mobileops.runtime.broker.names import Names

THREADS: Final = 16
STREAM_TIMEOUT_S: Final = 5.0
_LENGTH: Final = struct.Struct("!H")
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Message bound to be answered at once from one wake-up, so that calls are not kept waiting.
_BURST: Final = 32


class Resolver:
    """Answers questions for one plugin.

    Args:
        judge: decides about names.
        names: where what was found is remembered.
        audit: where every decision is written.
        lookup: name to addresses; raises OSError (`socket.gaierror` with EAI_NONAME when there is no such name).
    """

    def __init__(
        self, judge: Judge, names: Names, audit: AuditLog, *, lookup: Callable[[str], list[Address]] | None = None
    ) -> None:
        self._judge = judge
        self._names = names
        self._audit = audit
        self._lookup = look_up if lookup is None else lookup

    def respond(self, message: bytes, *, stream: bool) -> bytes | None:
        """Return the answer to a message, or None for one that deserves none."""
        question = dns.parse(message)
        if question is None:
            return None
        limit = None if stream else question.answer_bytes
        verdict = self._judge.may_resolve(question.name)
        if not verdict.allowed:
            self._audit.record("resolve", question.name, **verdict._asdict())
            return dns.answer(question, dns.NO_SUCH_NAME, limit=limit)
        if question.kind not in {dns.TYPE_A, dns.TYPE_AAAA}:
            return dns.answer(question, dns.NO_ERROR, limit=limit)
        try:
            found = self._lookup(question.name)
        except OSError as error:
            gone = isinstance(error, socket.gaierror) and error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}
            self._audit.record(
                "resolve", question.name, **verdict._replace(reason=f"granted; {error.strerror}")._asdict()
            )
            return dns.answer(question, dns.NO_SUCH_NAME if gone else dns.SERVER_FAILURE, limit=limit)
        return self._answer(question, found, verdict, limit)

    def _answer(self, question: dns.Question, found: list[Address], verdict: Verdict, limit: int | None) -> bytes:
        usable = [address for address in found if self._judge.may_answer(question.name, address)]
        if not usable and found:
            verdict = Verdict(allowed=False, permission=verdict.permission, reason="resolved to no public address")
        self._audit.record("resolve", question.name, **verdict._asdict())
        self._names.learn(question.name, usable)
        return dns.answer(question, dns.NO_ERROR if usable else dns.NO_SUCH_NAME, usable, limit=limit)


class Stub:
    """Serves one plugin's two sockets.

    Args:
        datagrams: UDP socket in the plugin's namespace.
        streams: listening TCP socket there.
        resolver: answers.
        pause: asks not to be called for a socket for a moment.
    """

    def __init__(
        self,
        datagrams: socket.socket,
        streams: socket.socket,
        resolver: Resolver,
        *,
        pause: Callable[[socket.socket], None],
    ) -> None:
        self._datagrams = datagrams
        self._streams = streams
        self._resolver = resolver
        self._pause = pause
        self._free = threading.BoundedSemaphore(THREADS)
        datagrams.setblocking(False)  # noqa: FBT003 (the standard library's signature)
        streams.setblocking(False)  # noqa: FBT003

    def on_datagrams(self) -> None:
        """Take what waits on the UDP socket."""
        for _count in range(_BURST):
            try:
                message, asker = self._datagrams.recvfrom(dns.QUERY_LIMIT_BYTES + 1)
            except OSError:
                return
            self._in_thread(functools.partial(self._answer_datagram, message, asker))

    def on_streams(self) -> None:
        """Take one connection that waits on the TCP socket."""
        try:
            connection, _asker = self._streams.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:  # the connection waits on, and its socket stays readable
                self._pause(self._streams)
            return
        if not self._in_thread(functools.partial(self._answer_stream, connection)):
            connection.close()

    def _in_thread(self, work: Callable[[], object]) -> bool:
        if not self._free.acquire(blocking=False):
            return False

        def run() -> None:
            try:
                with suppress(OSError):
                    work()
            finally:
                self._free.release()

        try:
            threading.Thread(target=run, daemon=True, name="names").start()
        except RuntimeError:  # the host gives no more threads now
            self._free.release()
            return False
        return True

    def _answer_datagram(self, message: bytes, asker: tuple[str, int]) -> None:
        reply = self._resolver.respond(message, stream=False)
        if reply is not None:
            self._datagrams.sendto(reply, asker)

    def _answer_stream(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(STREAM_TIMEOUT_S)
            with connection.makefile("rb") as stream:
                head = stream.read(_LENGTH.size)
                size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
                message = stream.read(min(size, dns.QUERY_LIMIT_BYTES))
            reply = self._resolver.respond(message, stream=True)
            if reply is not None:
                connection.sendall(_LENGTH.pack(len(reply)) + reply)


def look_up(name: str) -> list[Address]:
    """Return the addresses of a name as this host sees it: its resolver, its hosts file.

    Raises:
        OSError: there are none (`socket.gaierror`).
    """
    found = socket.getaddrinfo(name.encode(), None, type=socket.SOCK_STREAM)
    literals = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found)
    return [canonical(ipaddress.ip_address(literal)) for literal in literals]
