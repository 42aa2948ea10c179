"""What the attempts aim at: services, files and shared memory, in one process that is also the victim.

Started as ``python host.py DIRECTORY``; prints its targets as JSON and waits for its input to end.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.server
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

PR_SET_PTRACER = 0x59616D61
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def serve(server: socket.socket) -> socket.socket:
    """Greet everybody who connects."""
    server.listen()

    def loop() -> None:
        while True:
            client, _address = server.accept()
            with client, contextlib.suppress(OSError):  # whoever is gone again misses nothing
                if client.family == socket.AF_UNIX:  # with a descriptor, for whoever can take it
                    socket.send_fds(client, [b"host"], [sys.stdin.fileno()])
                else:
                    client.sendall(b"host")

    threading.Thread(target=loop, daemon=True).start()
    return server


def answer(server: socket.socket) -> None:
    """Answer every datagram."""

    def loop() -> None:
        while True:
            _data, address = server.recvfrom(512)
            if address:
                with contextlib.suppress(OSError):
                    server.sendto(b"host", address)

    threading.Thread(target=loop, daemon=True).start()


def unix(kind: int, address: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(address)
    return server


def stuck() -> tuple[socket.socket, ...]:
    """Return a server that accepts nobody, with its queue full: whoever connects waits."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = [socket.socket() for _count in range(4)]
    for client in waiting:
        client.setblocking(False)
        client.connect_ex(server.getsockname())
    return (server, *waiting)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port: int = trial.getsockname()[1]
        return port


def flip(folder: Path, link: Path) -> None:
    """Exchange a folder and a link again and again (renameat2(2))."""
    names = str(folder).encode(), str(link).encode()

    def loop() -> None:
        while True:
            libc.syscall(ctypes.c_long(316), -100, names[0], -100, names[1], 2)
            time.sleep(0.0005)

    threading.Thread(target=loop, daemon=True).start()


def folders(base: Path) -> dict[str, str]:
    """Make the folders that a plugin may be granted, with links planted in them."""
    granted, writable, elsewhere = base / "granted", base / "writable", base / "elsewhere"
    for folder in (granted, writable, elsewhere, base / "flipping", writable / "flipping"):
        folder.mkdir()
        folder.chmod(0o777)  # for whatever uid a plugin has
    for path in (elsewhere / "secret", granted / "inside", granted / "removable", granted / "movable"):
        path.write_text("secret of the host")
        path.chmod(0o666)
    for folder in (granted, writable):
        (folder / "to-a-file").symlink_to(base / "movable")
        (folder / "to-a-folder").symlink_to(elsewhere)
        (folder / "upwards").symlink_to("../elsewhere")
    for link in (base / "linked", writable / "linked", base / "other", writable / "other"):
        link.symlink_to(elsewhere)
    flip(base / "flipping", base / "other")
    flip(writable / "flipping", writable / "other")
    return {
        "granted": str(granted), "writable": str(writable), "linked": str(base / "linked"),
        "linked_beneath": str(writable / "linked"), "flipping": str(base / "flipping"),
        "flipping_beneath": str(writable / "flipping"),
    }  # fmt: skip


class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"host")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def serve_http() -> int:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Greeting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def targets(base: Path) -> dict[str, object]:
    """Make every target below ``base`` or in the kernel, and return where it is."""
    secret, movable = base / "secret", base / "movable"
    for path in (secret, movable, base / "neighbour"):
        path.write_text("secret of the host")
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    answer(udp)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))
    answer(other)
    globals()["stuck_sockets"] = stuck()
    datagram = unix(socket.SOCK_DGRAM, str(base / "datagram"))
    answer(datagram)
    serve(unix(socket.SOCK_STREAM, str(base / "unix")))
    abstract = f"mobileops-escape-{os.getpid()}"
    serve(unix(socket.SOCK_STREAM, "\0" + abstract))
    buffer = ctypes.create_string_buffer(b"memory of host!!", 16)
    globals()["keep"] = buffer
    shm = Path("/dev/shm") / abstract
    shm.write_text("shared")
    return {
        **folders(base),
        "pid": os.getpid(),
        "marker": str(base),
        "tcp": serve(socket.create_server(("127.0.0.1", 0))).getsockname()[1],
        "tcp6": serve(socket.create_server(("::1", 0), family=socket.AF_INET6)).getsockname()[1]
        if socket.has_ipv6
        else 0,
        "http": serve_http(),
        "other_tcp": serve(socket.create_server(("127.0.0.1", 0))).getsockname()[1],
        "stuck": globals()["stuck_sockets"][0].getsockname()[1],
        "listen": free_port(),
        "udp": udp.getsockname()[1],
        "other_udp": other.getsockname()[1],
        "unix": str(base / "unix"),
        "abstract": abstract,
        "datagram": str(base / "datagram"),
        "secret": str(secret),
        "movable": str(movable),
        "neighbour": str(base / "neighbour"),
        "address": ctypes.addressof(buffer),
        "shmid": int(libc.syscall(ctypes.c_long(29), ctypes.c_long(0), ctypes.c_long(4096), ctypes.c_long(0o1600))),
        "queue": abstract,
        "shm": abstract,
        "hostname": socket.gethostname(),
        "packages": __file__,
    }


def main() -> None:
    libc.prctl(PR_SET_PTRACER, ctypes.c_long(-1), 0, 0, 0)  # where Yama restricts debuggers, let them all
    base = Path(sys.argv[1])
    made = targets(base)
    queue = str(made["queue"]).encode()
    descriptor = libc.syscall(
        ctypes.c_long(240), queue, ctypes.c_long(os.O_CREAT | os.O_RDWR), ctypes.c_long(0o600), None
    )
    try:
        sys.stdout.write(json.dumps(made) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        Path("/dev/shm", str(made["shm"])).unlink(missing_ok=True)
        libc.syscall(ctypes.c_long(31), ctypes.c_long(made["shmid"]), ctypes.c_long(0), None)
        if descriptor >= 0:
            libc.syscall(ctypes.c_long(241), queue)


if __name__ == "__main__":
    main()
