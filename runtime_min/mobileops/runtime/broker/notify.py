"""The kernel's side of mediation: receive a call, copy what it points to, put a socket in its place, answer it.

Sources: seccomp_unotify(2), linux/seccomp.h, pidfd_getfd(2), process_vm_readv(2). The order of `Caller.__init__`
matters: the process descriptor and the copy of the arguments come first, the question whether the call is still
waiting comes second; only then is it certain that both belong to the caller and not to a process that got its number.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from mobileops.runtime.isolation.syscalls import call

if TYPE_CHECKING:
    from types import TracebackType

_RECEIVE: Final = 0xC0502100
_SEND: Final = 0xC0182101
_ID_VALID: Final = 0x40082102
_ADD_FD: Final = 0x40182103
_NOTIFICATION: Final = struct.Struct("=QIIiIQ6Q")
_RESPONSE: Final = struct.Struct("=QqiI")
_ADDITION: Final = struct.Struct("=QIIII")
_SET_FD: Final = 1
_PIDFD_THREAD: Final = os.O_EXCL
_STATUS_LIMIT_BYTES: Final = 4096
_DESCRIPTOR_MASK: Final = 0xFFFFFFFF


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Notification(NamedTuple):
    """One call that waits for an answer.

    Attributes:
        id: of the notification.
        task: thread id of the caller, as this process sees it.
        number: of the system call.
        arguments: the six registers.
    """

    id: int
    task: int
    number: int
    arguments: tuple[int, ...]


class Listener:
    """The notification descriptor of one plugin.

    Args:
        descriptor: owned from here on.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor, readable when a call waits."""
        return self._descriptor

    def receive(self) -> Notification | None:
        """Return the next call, or None when its caller was killed in the meantime.

        Raises:
            OSError: the plugin is gone.
        """
        buffer = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._descriptor, _RECEIVE, buffer, True)  # noqa: FBT003 (the standard library's signature)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR}:
                return None
            raise
        number, task, _flags, call_number, _architecture, _pointer, *arguments = _NOTIFICATION.unpack(buffer)
        return Notification(number, task, call_number, tuple(arguments))

    def waits(self, notification: Notification) -> bool:
        """Tell whether the caller still waits for this answer."""
        try:
            fcntl.ioctl(self._descriptor, _ID_VALID, struct.pack("=Q", notification.id))
        except OSError:
            return False
        return True

    def answer(self, notification: Notification, error: int = 0, *, value: int = 0) -> None:
        """Let the call return a value, or fail with an errno; a caller that is gone is no fault."""
        response = _RESPONSE.pack(notification.id, value, -error, 0)
        try:
            fcntl.ioctl(self._descriptor, _SEND, response)
        except OSError as failure:
            if failure.errno not in {errno.ENOENT, errno.EINPROGRESS}:
                raise

    def replace(self, notification: Notification, descriptor: int, source: int, *, close_on_exec: bool) -> None:
        """Make a descriptor of the caller stand for a copy of ours, in one step.

        Raises:
            OSError: the caller is gone, or has no such descriptor number to give.
        """
        flags = os.O_CLOEXEC if close_on_exec else 0
        fcntl.ioctl(self._descriptor, _ADD_FD, _ADDITION.pack(notification.id, _SET_FD, source, descriptor, flags))

    def close(self) -> None:
        """Close it: from now on the kernel answers the plugin's calls with ENOSYS."""
        os.close(self._descriptor)


class Caller:
    """A waiting caller: its memory, copied once, and its descriptors.

    Args:
        listener: where the call came from.
        notification: the call.
        address: (register with a pointer, register with a length, most bytes) to copy, or None.

    Raises:
        OSError: with the errno that the call should fail with.
    """

    def __init__(
        self, listener: Listener, notification: Notification, *, address: tuple[int, int, int] | None = None
    ) -> None:
        self._notification = notification
        self._pidfd = _pidfd(notification.task)
        try:
            self.address = b"" if address is None else self.copy(*address)
            if not listener.waits(notification):
                raise OSError(errno.ESRCH, "the caller is gone")  # noqa: TRY301 (its descriptor is closed here)
        except BaseException:
            os.close(self._pidfd)
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the process descriptor."""
        os.close(self._pidfd)

    def copy(self, pointer: int, length: int, limit: int) -> bytes:
        """Return what two registers describe; whoever calls this later must ask `Listener.waits` again.

        Raises:
            OSError: EINVAL when it is longer than ``limit``, EFAULT when it is not the caller's memory.
        """
        base, size = self._notification.arguments[pointer], self._notification.arguments[length]
        if size > limit:
            raise OSError(errno.EINVAL, "too long")
        return _read(self._notification.task, base, size)

    def duplicate(self, register: int) -> int:
        """Return a duplicate of the caller's descriptor that a register names; the caller of this closes it.

        Raises:
            OSError: EBADF, there is none.
        """
        return call("pidfd_getfd", self._pidfd, self._notification.arguments[register] & _DESCRIPTOR_MASK, 0)

    def closes_on_exec(self, register: int) -> bool:
        """Tell whether the caller's descriptor has FD_CLOEXEC; when that cannot be seen, as Python would have it."""
        number = self._notification.arguments[register] & _DESCRIPTOR_MASK
        try:
            text = _start_of(f"/proc/{self._notification.task}/fdinfo/{number}")
        except OSError:
            return True
        flags = text.partition(b"flags:")[2].split(maxsplit=1)
        return not flags or bool(int(flags[0], 8) & os.O_CLOEXEC)


def _pidfd(task: int) -> int:
    """Return a descriptor of a thread (Linux 6.9), or of the process it belongs to."""
    try:
        return os.pidfd_open(task, _PIDFD_THREAD)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    text = _start_of(f"/proc/{task}/status")
    group = next((int(line.split()[1]) for line in text.splitlines() if line.startswith(b"Tgid:")), task)
    return os.pidfd_open(group)


def _start_of(path: str) -> bytes:
    """Return what a file of /proc says; as bytes, because this process may not be able to load a codec any more."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # (Path.open costs five times as much, for every connection)
    try:
        return os.read(descriptor, _STATUS_LIMIT_BYTES)
    finally:
        os.close(descriptor)


def _read(task: int, base: int, size: int) -> bytes:
    if size == 0:
        return b""
    buffer = ctypes.create_string_buffer(size)
    ours = _Vector(ctypes.addressof(buffer), size)
    theirs = _Vector(base, size)
    arguments: tuple[Any, ...] = (task, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    if call("process_vm_readv", *arguments) != size:
        raise OSError(errno.EFAULT, "the memory ends before its length")
    return buffer.raw
