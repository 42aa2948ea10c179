"""What happens when a plugin calls connect, bind, listen or sendto with an address.

A call acts on one of two kinds of socket, told apart by their network namespace:

*own*, in the plugin's empty namespace. Nothing outside can be reached with it, so what is harmless is done on a
duplicate of that very socket: whatever another thread does to the descriptor meanwhile, the socket that was looked at
is the one that is used. A granted TCP connection, or a granted port to listen on, gets a socket of the host, which
takes the place of the plugin's in one step (SECCOMP_IOCTL_NOTIF_ADDFD).

*of the host*, put there by us. It is connected, or listens, and stays so: no connect (so no AF_UNSPEC, which would
disconnect it), no bind; listen only on a granted port.

Nothing is ever answered with "continue": the kernel would read the arguments again, after another thread changed them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import traceback
from typing import TYPE_CHECKING, Final

from mobileops.runtime.broker import binding, options
from mobileops.runtime.broker.addresses import ADDRESS_LIMIT_BYTES
from mobileops.runtime.broker.judge import Verdict
from mobileops.runtime.broker.notify import Caller, Listener, Notification
from mobileops.runtime.broker.replacing import Replacement
from mobileops.runtime.broker.states import (
    blocks,
    deadline_of,
    endpoint_for,
    is_established,
    refusal_of_a_second_connect,
)
from mobileops.runtime.isolation.netns import STUB_ADDRESS, STUB_PORT
from mobileops.runtime.isolation.syscalls import call, machine_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mobileops.runtime.audit import AuditLog
    from mobileops.runtime.broker.addresses import Endpoint
    from mobileops.runtime.broker.judge import Judge
    from mobileops.runtime.broker.replacing import Replacements

BACKLOG_LIMIT: Final = 4096
PAYLOAD_LIMIT_BYTES: Final = 65_535
_STREAM: Final = socket.SOCK_STREAM
_FLAGS: Final = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
_QUIETLY: Final = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


class Calls:
    """Answers the calls of one plugin.

    Args:
        listener: where they come from.
        judge: decides.
        audit: where every decision is written.
        network: number of the plugin's own network namespace.
        binder: where the plugin manager binds privileged ports, if the plugin has any.
        replacements: puts sockets of the host where the plugin's are.
    """

    def __init__(
        self,
        listener: Listener,
        judge: Judge,
        audit: AuditLog,
        *,
        network: int,
        binder: socket.socket | None,
        replacements: Replacements,
    ) -> None:
        self._listener = listener
        self._judge = judge
        self._audit = audit
        self._network = network
        self._binder = binder
        self._replacements = replacements
        numbers = machine_table(os.uname().machine)[0]
        self._handlers: Mapping[int, Callable[[Notification], None]] = {
            numbers["connect"]: self._connect,
            numbers["bind"]: self._bind,
            numbers["listen"]: self._listen,
            numbers["sendto"]: self._send,
        }

    def handle(self, notification: Notification) -> None:
        """Answer one call; it fails with the errno of whatever went wrong, and with EIO if that was a fault of ours."""
        try:
            self._handlers[notification.number](notification)
        except OSError as error:
            self._listener.answer(notification, error.errno or errno.EIO)
        except Exception:  # noqa: BLE001  a request that we did not think of must not end the plugin's network
            traceback.print_exc()
            self._listener.answer(notification, errno.EIO)

    def _connect(self, notification: Notification) -> None:
        with (
            Caller(self._listener, notification, address=(1, 2, ADDRESS_LIMIT_BYTES)) as caller,
            self._theirs(caller) as theirs,
        ):
            if self._is_of_the_host(theirs):
                raise OSError(refusal_of_a_second_connect(theirs), "already a socket of the host")
            endpoint = endpoint_for(caller.address, theirs)
            if endpoint is None or self._is_stub(endpoint):
                self._on_their_own("connect", theirs, caller.address)
            elif theirs.type == _STREAM:
                self._connect_stream(notification, caller, theirs, endpoint)
                return
            else:
                self._connect_datagram(theirs, endpoint, caller.address)
        self._listener.answer(notification)

    def _connect_stream(
        self, notification: Notification, caller: Caller, theirs: socket.socket, endpoint: Endpoint
    ) -> None:
        verdict = self._judge.reach("tcp", endpoint)
        self._decide("connect", f"tcp {endpoint}", verdict)
        if self._replacements.is_full:
            raise OSError(errno.EAGAIN, "too many connections are being made")
        ours = socket.socket(theirs.family, _STREAM | _FLAGS)
        with _closed_on_error(ours):
            options.carry_over(theirs, ours)
            one = Replacement(notification, ours, caller.closes_on_exec(0), deadline_of(theirs))
            result = ours.connect_ex(endpoint.for_socket())
            waits = blocks(theirs)
            if result == errno.EINPROGRESS and waits and is_established(ours):  # nearby: no need to wait for the poll
                result = 0
            if result not in {0, errno.EINPROGRESS}:
                raise OSError(result, "the connection failed at once")
        if result == 0 or not waits:
            self._replacements.put(one, result, blocking=waits)
        else:
            self._replacements.put_when_connected(one)

    def _connect_datagram(self, theirs: socket.socket, endpoint: Endpoint, raw: bytes) -> None:
        """Connect a UDP socket inside the namespace; the relay judges its datagrams again."""
        verdict = self._judge.reach("udp", endpoint)
        if not verdict.allowed and (endpoint.port == 0 or self._judge.reach("tcp", endpoint).allowed):
            # getaddrinfo(3) orders its results by trying a UDP connect to each; that is no attempt to send.
            raise OSError(errno.ENETUNREACH, "no UDP to there")
        self._decide("connect", f"udp {endpoint}", verdict)
        self._on_their_own("connect", theirs, raw)

    def _bind(self, notification: Notification) -> None:
        with (
            Caller(self._listener, notification, address=(1, 2, ADDRESS_LIMIT_BYTES)) as caller,
            self._theirs(caller) as theirs,
        ):
            if self._is_of_the_host(theirs):
                raise OSError(errno.EINVAL, "bound already")
            endpoint = endpoint_for(caller.address, theirs)
            if endpoint is not None and theirs.type == _STREAM and endpoint.port:
                self._bind_to_host(notification, caller, theirs, endpoint)
                return
            self._on_their_own("bind", theirs, caller.address)
        self._listener.answer(notification)

    def _bind_to_host(
        self, notification: Notification, caller: Caller, theirs: socket.socket, endpoint: Endpoint
    ) -> None:
        self._decide("bind", f"tcp {endpoint}", self._judge.may_listen(endpoint.port))
        ours = socket.socket(theirs.family, _STREAM | _FLAGS)
        with _closed_on_error(ours):
            options.carry_over(theirs, ours)
            binding.bind(ours, endpoint, caller.address, binder=self._binder)
            one, waits = Replacement(notification, ours, caller.closes_on_exec(0)), blocks(theirs)
        self._replacements.put(one, 0, blocking=waits)

    def _listen(self, notification: Notification) -> None:
        with Caller(self._listener, notification) as caller, self._theirs(caller) as theirs:
            if theirs.type != _STREAM:
                raise OSError(errno.EOPNOTSUPP, "not a stream")
            port = theirs.getsockname()[1]
            verdict = self._judge.may_listen(port)
            if not self._is_of_the_host(theirs):
                verdict = Verdict(allowed=False, permission=None, reason="not bound to a granted port")
            self._decide("listen", f"tcp port {port}", verdict)
            backlog = struct.unpack("=i", struct.pack("=I", notification.arguments[1] & 0xFFFFFFFF))[0]
            theirs.listen(min(max(backlog, 0), BACKLOG_LIMIT))
        self._listener.answer(notification)

    def _send(self, notification: Notification) -> None:
        """Do a sendto with an address: in the namespace, from a copy of the datagram."""
        with (
            Caller(self._listener, notification, address=(4, 5, ADDRESS_LIMIT_BYTES)) as caller,
            self._theirs(caller) as theirs,
        ):
            if self._is_of_the_host(theirs) or theirs.type == _STREAM:
                raise OSError(errno.EISCONN, "a connected socket takes no address")
            endpoint = endpoint_for(caller.address, theirs)
            if endpoint is None:
                raise OSError(errno.EAFNOSUPPORT, "no address of this socket's family")
            if notification.arguments[2] > PAYLOAD_LIMIT_BYTES:
                raise OSError(errno.EMSGSIZE, "longer than a datagram")
            if not self._is_stub(endpoint):
                verdict = self._judge.reach("udp", endpoint)
                if not verdict.allowed:  # what is allowed is written down by the relay, once for a flow
                    self._decide("send", f"udp {endpoint}", verdict)
            data = caller.copy(1, 2, PAYLOAD_LIMIT_BYTES)
            if not self._listener.waits(notification):
                return
            sent = theirs.sendto(data, _QUIETLY, endpoint.for_socket())
        self._listener.answer(notification, value=sent)

    def _decide(self, action: str, target: str, verdict: Verdict) -> None:
        """Write a decision down, then raise EACCES when it is no.

        Raises:
            OSError: it is no, or it could not be written down.
        """
        self._audit.record(action, target, **verdict._asdict())
        if not verdict.allowed:
            raise OSError(errno.EACCES, verdict.reason)

    def _theirs(self, caller: Caller) -> contextlib.closing[socket.socket]:
        """Return a duplicate of the caller's socket.

        Raises:
            OSError: EBADF, ENOTSOCK, or EACCES for one that is neither IPv4 nor IPv6.
        """
        descriptor = caller.duplicate(0)
        try:
            theirs = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            raise
        if theirs.family not in {socket.AF_INET, socket.AF_INET6}:
            theirs.close()
            raise OSError(errno.EACCES, "not a network socket")
        return contextlib.closing(theirs)

    def _is_of_the_host(self, theirs: socket.socket) -> bool:
        return options.network_of(theirs) != self._network

    @staticmethod
    def _is_stub(endpoint: Endpoint) -> bool:
        return str(endpoint.address) == STUB_ADDRESS and endpoint.port == STUB_PORT

    @staticmethod
    def _on_their_own(name: str, theirs: socket.socket, raw: bytes) -> None:
        """Do a call on a duplicate of a socket that lies in the plugin's namespace."""
        call(name, theirs.fileno(), raw, len(raw))


@contextlib.contextmanager
def _closed_on_error(ours: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        ours.close()
        raise
