"""A small internet in network namespaces, and a plugin that is let loose in it; prints what it found as JSON.

``python network_world.py FOLDER``, with all capabilities over its own mount and network namespace (``unshare -nm`` as
root, ``unshare -rnm`` as an ordinary user). FOLDER/store/plugins/clients/1 holds the plugin. ::

    here: 11.0.0.1, the plugin manager     ── veth ──     11.0.0.2: HTTP on 80 and 8080, PostgreSQL's
    /etc/hosts is ours to write                           greeting on 5432, an echo on UDP port 123

The addresses are public ones that no packet leaves for. When it was started by an ordinary user, the plugin manager is
one again: in a user namespace below, without capabilities over the network.
"""

from __future__ import annotations

import http.server
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

from mobileops.manifest.permissions import Permission
from mobileops.runtime.isolation import namespaces
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import compile_policy
from mobileops.runtime.isolation.syscalls import call
from mobileops.runtime.launching.launcher import Launcher

PERMISSIONS = (
    "network.http:api.example.test",
    "network.http:*.wild.example.test",
    "network.tcp:db.example.test:5432",
    "network.udp:time.example.test:123",
    "system.process",
)
HOSTS = (
    "127.0.0.1 localhost\n11.0.0.2 api.example.test a.wild.example.test db.example.test time.example.test other.test\n"
)
SSL_REQUEST = 80877103


class Hello(http.server.BaseHTTPRequestHandler):
    """Says hello to everybody."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_words):
        """Say nothing."""


def postgres(listener):
    """Greet as PostgreSQL does (protocol 3.0, "Start-up"): no TLS, authenticated, ready for a query."""
    while True:
        client, _address = listener.accept()
        while client:
            (size,) = struct.unpack("!I", client.recv(4, socket.MSG_WAITALL))
            if client.recv(size - 4, socket.MSG_WAITALL) != struct.pack("!I", SSL_REQUEST):
                break
            client.sendall(b"N")
        client.sendall(b"R" + struct.pack("!II", 8, 0) + b"Z" + struct.pack("!I", 5) + b"I")


def peer(ready):
    """Be the host at the other end, in a network namespace of its own."""
    namespaces.unshare(namespaces.NEWNET)
    os.write(ready, b"n")
    sys.stdin.buffer.read(1)
    for words in ("link set lo up", "addr add 11.0.0.2/24 dev peer", "link set peer up"):
        subprocess.run(["ip", *words.split()], check=True)
    for port in (80, 8080):
        server = http.server.ThreadingHTTPServer(("11.0.0.2", port), Hello)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=postgres, args=(socket.create_server(("11.0.0.2", 5432)),), daemon=True).start()
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("11.0.0.2", 123))
    os.write(ready, b"r")
    while True:
        data, address = echo.recvfrom(512)
        echo.sendto(b"re:" + data, address)


def make_world(folder):
    """Make the other host, connect it, and put our names in the place of the machine's."""
    read_end, write_end = os.pipe()
    order_read, order_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        namespaces.die_with_parent()
        os.dup2(order_read, 0)
        sys.stdin = open(0)  # noqa: SIM115 (a descriptor, for as long as the process lives)
        peer(write_end)
    os.read(read_end, 1)
    for words in (
        "link set lo up",
        f"link add here type veth peer name peer netns {pid}",
        "addr add 11.0.0.1/24 dev here",
        "link set here up",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    os.write(order_write, b"g")
    os.read(read_end, 1)
    names = folder / "hosts"
    names.write_text(HOSTS)
    names.chmod(0o644)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", str(names), "/etc/hosts"], check=True)
    return names


def become_ordinary():
    """Give up what an ordinary user has over this world by having made it."""
    namespaces.unshare(namespaces.NEWUSER)
    namespaces.map_own_id(inside_uid=1000, inside_gid=1000, outside_uid=0, outside_gid=0)


class Manifest:
    """As much of a manifest as a policy needs."""

    name = "clients"
    permissions = tuple(map(Permission.parse, PERMISSIONS))

    class resources:  # noqa: N801 (the manifest's name)
        """Enough for everything."""

        memory_bytes, processes, open_files, file_size_bytes, cpu = 512 << 20, 64, 256, 1 << 20, 2.0


def run(folder, names):
    """Let the plugin loose; rewrite the names when it asks."""
    store = folder / "store"
    with Launcher(plugins=store / "plugins", data=store / "data") as launcher:
        policy = compile_policy(
            Manifest, app=store / "plugins" / "clients" / "1", data=store / "data" / "clients", uid=plugin_uid(0)
        )
        launched = launcher.launch(policy, {}, entry="clients:main")
        output = b""
        with launched.channel.makefile("rwb") as channel:
            while line := channel.readline():
                said = json.loads(line)
                if "hosts" not in said:
                    return said
                names.write_text(said["hosts"])
                channel.write(b"\n")
                channel.flush()
        while select.select([launched.output], [], [], 1)[0] and (part := os.read(launched.output, 65536)):
            output += part
    return {"output": output.decode()}


def main():
    folder = Path(sys.argv[1])
    names = make_world(folder)
    if call("getuid") == 0 and (Path("/proc/self/uid_map").read_text().split()[:2] != ["0", "0"]):
        become_ordinary()
    sys.stdout.write(json.dumps(run(folder, names)))


if __name__ == "__main__":
    main()
