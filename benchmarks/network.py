"""What mediation costs: bulk TCP and new connections of a plugin with a network permission, against no sandbox.

The same code runs twice, in a plugin and in a plain process, and talks to the same server on loopback. After the
connection there is nothing between a plugin and its socket, so bulk must not differ; each connection pays one visit to
the network broker.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from _sandbox import sandbox
from _timing import Contender, as_json, measure, report

from mobileops.runtime.isolation.network import Destination, NetworkGrants

ROUNDS = 15
BULK_BYTES = 256 << 20
CONNECTIONS = 100
PLUGIN = f"""
import socket

def main(channel, assignment):
    port = assignment["port"]
    buffer = bytearray(1 << 20)
    while order := channel.recv(1):
        if order == b"b":
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"b")
                left = {BULK_BYTES}
                while left:
                    left -= client.recv_into(buffer)
        else:
            for _count in range({CONNECTIONS}):
                socket.create_connection(("127.0.0.1", port)).close()
        channel.sendall(b".")
"""
DIRECT = """
import socket, sys
sys.path.insert(0, sys.argv[3])
import bench
bench.main(socket.socket(fileno=int(sys.argv[1])), {"port": int(sys.argv[2])})
"""


def serve(listener: socket.socket) -> None:
    """Send `BULK_BYTES` to everybody who asks for them; whoever only connects is dropped."""
    block = bytes(1 << 20)
    while True:
        client, _address = listener.accept()
        with client:
            if client.recv(1) == b"b":
                for _count in range(BULK_BYTES // len(block)):
                    client.sendall(block)


def order(channel: socket.socket, what: bytes) -> None:
    """Have one piece of work done."""
    channel.sendall(what)
    assert channel.recv(1) == b"."


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    grants = NetworkGrants(tcp=(Destination("network.tcp", "127.0.0.1", (port,)),))
    with sandbox({"bench.py": PLUGIN}) as where:
        launched = where.launcher.launch(where.policy(network=grants), {"port": port}, entry="bench:main")
        ours, theirs = socket.socketpair()
        words = [os.path.realpath(sys.executable), "-I", "-c", DIRECT, str(theirs.fileno()), str(port), str(where.app)]
        with subprocess.Popen(words, pass_fds=(theirs.fileno(),)):
            theirs.close()
            summaries = [
                report(
                    title,
                    measure(
                        [
                            Contender("no sandbox", call=lambda what=what: order(ours, what)),
                            Contender("plugin", call=lambda what=what: order(launched.channel, what)),
                        ],
                        rounds=options.rounds,
                    ),
                    subject="plugin",
                )
                for title, what in (
                    (f"{BULK_BYTES >> 20} MiB over one connection", b"b"),
                    (f"{CONNECTIONS} connections", b"c"),
                )
            ]
            ours.close()
            launched.channel.close()
    if options.json:
        options.json.write_text(as_json(summaries))


if __name__ == "__main__":
    main()
