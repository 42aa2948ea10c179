"""The broker's process; executed by path, ``python -I -S process.py CONTROL [USER_NAMESPACE]``.

CONTROL is an inherited SOCK_SEQPACKET socket. For every plugin with a network permission the plugin manager sends
``{"plugin": name, "grants": {...}}`` with three descriptors: a stream socket to the plugin's process, and two audit
files; and a fourth where the plugin manager binds privileged ports of the plugin, if it has any. Over the stream
socket the plugin's process, before it runs any of its code, hands over its notification descriptor and the sockets of
its namespace (`mobileops.runtime.isolation.netns`), and waits for `ACCEPTED`. The end of CONTROL is the end of this
process.

Separation: when the plugin manager is root, this process enters the user namespace of the zygote and is id 0 *there*:
it may look into plugins, and is an unprivileged account to the host and its network. When the plugin manager is an
ordinary user, so is the broker, and without what the plugin manager's unit gives: as the owner of the namespace it may
look into plugins, and into nothing else that the account could not look into anyway.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

if __name__ == "__main__":  # -S -I: the packages lie beside this file, wherever that is
    sys.path.append(str(Path(__file__).absolute().parents[3]))

from mobileops.runtime.audit import AuditLog
from mobileops.runtime.broker.notify import Listener
from mobileops.runtime.broker.session import Session
from mobileops.runtime.isolation import credentials, namespaces, network
from mobileops.runtime.isolation.netns import ACCEPTED, HAND_OVER_LIMIT_DESCRIPTORS, REASON_LIMIT_BYTES
from mobileops.runtime.isolation.syscalls import call

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_LIMIT_BYTES: Final = 256 * 1024
HAND_OVER_TIMEOUT_S: Final = 15.0
READY: Final = b"ready"
_DESCRIPTORS: Final = 4
_WITHOUT_BINDER: Final = 3


def enter_user_namespace(descriptor: int) -> None:
    """Become id 0 of the zygote's user namespace: nobody in particular to the host.

    Raises:
        OSError: the kernel refused.
    """
    os.setgroups([])
    call("setns", descriptor, namespaces.NEWUSER)
    os.close(descriptor)
    credentials.become(0, 0)


def serve(control: socket.socket) -> NoReturn:
    """Take plugins until the plugin manager is gone."""
    while True:
        message, descriptors, flags, _address = socket.recv_fds(control, MESSAGE_LIMIT_BYTES, _DESCRIPTORS)
        if not message:
            os._exit(0)
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):  # out of descriptors: this plugin's start fails, no other's
            for descriptor in descriptors:
                os.close(descriptor)
            continue
        plugin = json.loads(message)
        threading.Thread(target=attend, args=(plugin, descriptors), daemon=True, name=plugin["plugin"]).start()


def attend(plugin: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Serve one plugin from its hand-over to its end; a fault is written down and ends nothing else."""
    audit = AuditLog(plugin["plugin"], "broker", descriptors=(descriptors[1], descriptors[2]))
    try:
        session = _accept(plugin, socket.socket(fileno=descriptors[0]), audit, _binder(descriptors))
        if session is not None:
            session.run()
    except Exception:  # noqa: BLE001  one plugin's fault must not be another's
        traceback.print_exc()
    finally:
        audit.close()


def _binder(descriptors: Sequence[int]) -> socket.socket | None:
    """Return where privileged ports are bound, if the plugin has any."""
    if len(descriptors) <= _WITHOUT_BINDER:
        return None
    binder = socket.socket(fileno=descriptors[_WITHOUT_BINDER])
    binder.settimeout(HAND_OVER_TIMEOUT_S)  # a plugin manager that hangs is no reason to hang too
    return binder


def _accept(
    plugin: dict[str, Any], stream: socket.socket, audit: AuditLog, binder: socket.socket | None
) -> Session | None:
    """Take what the plugin's process hands over; None when its sandbox failed before."""
    with stream:
        stream.settimeout(HAND_OVER_TIMEOUT_S)
        message, handed, _flags, _address = socket.recv_fds(stream, 16, HAND_OVER_LIMIT_DESCRIPTORS)
        if not message:
            return None
        sockets = [socket.socket(fileno=number) for number in handed[1:]]
        listener = Listener(handed[0])
        try:
            session = Session(network.from_plain(plugin["grants"]), listener, sockets, audit, binder=binder)
            stream.sendall(ACCEPTED)
        except BaseException as error:
            listener.close()  # an open one that nobody reads would keep its callers waiting
            for one in (*sockets, *([binder] if binder else [])):
                one.close()
            with suppress(OSError):
                stream.sendall(f"{type(error).__name__}: {error}".encode()[:REASON_LIMIT_BYTES])
            raise
    return session


def main(arguments: list[str]) -> NoReturn:
    """Separate from the plugin manager's privileges, say so, and serve.

    Args:
        arguments: descriptor of the control socket, and of a user namespace when the plugin manager is root.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the plugin manager, which then closes the socket
    control = socket.socket(fileno=int(arguments[0]))
    if len(arguments) > 1:
        enter_user_namespace(int(arguments[1]))
    else:
        credentials.drop_what_was_handed_down()
    credentials.forbid_new_privileges()
    namespaces.die_with_parent()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (hard, hard)
    )  # each plugin's share is bounded, the number of plugins not
    control.send(READY)
    serve(control)


if __name__ == "__main__":
    main(sys.argv[1:])
