"""Namespaces of one's own, in which an ordinary user can do what takes privileges on the host, and harm nothing."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import threading
from pathlib import Path

from attempts.registry import Scene, syscall

NAMESPACES = 0x10000000 | 0x40000000 | 0x20000 | 0x4000000 | 0x8000000  # user, net, mount, uts, ipc
SYS_MOUNT = 165
SYS_UNSHARE = 272
MS_BIND = 4096
MS_REMOUNT_READ_ONLY = 1 | 32 | MS_BIND
ANSWER = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01"  # 127.0.0.1


def enter(scene: Scene) -> None:
    """Enter them as their root, with a network of loopback alone that has the targets "tcp" and a name server."""
    uid, gid = os.getuid(), os.getgid()
    syscall(SYS_UNSHARE, NAMESPACES)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
    resolver = scene.tmp / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\n")
    syscall(SYS_MOUNT, str(resolver).encode(), b"/etc/resolv.conf", None, MS_BIND, None)
    for flags in (MS_BIND, MS_REMOUNT_READ_ONLY):
        syscall(SYS_MOUNT, str(scene.app).encode(), str(scene.app).encode(), None, flags, None)
    greeter = socket.create_server(("0.0.0.0", scene.targets["tcp"]))  # noqa: S104 (a network of its own)
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    for loop in (greet, resolve):
        threading.Thread(target=loop, args=(greeter if loop is greet else names,), daemon=True).start()


def put(scene: Scene, path: str, text: str = "of the host") -> None:
    """Let a path of the host mean a file of the test's own, in these namespaces alone."""
    own = scene.tmp / f"in-the-place-of-{Path(path).name}"
    own.write_text(text)
    syscall(SYS_MOUNT, str(own).encode(), path.encode(), None, MS_BIND, None)


def cover(path: Path) -> None:
    """Let a folder of the host mean an empty one, in these namespaces alone."""
    syscall(SYS_MOUNT, b"tmpfs", str(path).encode(), b"tmpfs", 0, None)


def greet(server: socket.socket) -> None:
    while True:
        client, _address = server.accept()
        with client:
            client.sendall(b"host")


def resolve(server: socket.socket) -> None:
    """Answer every question for an address."""
    while True:
        query, address = server.recvfrom(512)
        kind = query[query.index(b"\0", 12) + 1 :][:2]
        found = kind == b"\0\x01"
        question = query[12 : query.index(b"\0", 12) + 5]
        head = query[:2] + b"\x81\x80\0\x01" + struct.pack("!H", found) + bytes(4)
        server.sendto(head + question + (ANSWER if found else b""), address)
