"""Echo servers of other RPC libraries, each in a process of its own: ``python _echo_peers.py NAME ADDRESS``.

Who is not installed takes no part; ``pip install grpcio Pyro5 rpyc`` (dependency group ``benchmarks``) adds them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONGEST_BYTES = 16 << 20
MODULES = {"grpcio": "grpc", "Pyro5": "Pyro5", "rpyc": "rpyc"}
START_TIMEOUT_S = 20.0


def absent() -> list[str]:
    """Return the peers that are not installed here."""
    return [name for name, module in MODULES.items() if importlib.util.find_spec(module) is None]


@contextlib.contextmanager
def calling(name: str, folder: Path) -> Iterator[tuple[Callable[[bytes], object], int]]:
    """Start a peer's server, and give a function that calls it, and its pid."""
    address = folder / f"{name}.sock"
    with subprocess.Popen([sys.executable, __file__, name, str(address)]) as process:
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not address.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.2)
            with CLIENTS[name](str(address)) as call:
                yield call, process.pid
        finally:
            process.kill()


@contextlib.contextmanager
def grpc_client(address: str) -> Iterator[Callable[[bytes], object]]:
    """Unary calls of bytes, without protobuf."""
    import grpc  # noqa: PLC0415  only who is installed is imported

    options = [("grpc.max_send_message_length", LONGEST_BYTES), ("grpc.max_receive_message_length", LONGEST_BYTES)]
    with grpc.insecure_channel(f"unix:{address}", options=options) as channel:
        yield channel.unary_unary("/echo/process")


def grpc_serve(address: str) -> None:
    """Serve with one worker."""
    from concurrent import futures  # noqa: PLC0415  only who is installed is imported

    import grpc  # noqa: PLC0415  only who is installed is imported

    class Handler(grpc.GenericRpcHandler):
        def service(self, _call: object) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(lambda data, _context: data)

    options = [("grpc.max_send_message_length", LONGEST_BYTES), ("grpc.max_receive_message_length", LONGEST_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=(Handler(),), options=options)
    server.add_insecure_port(f"unix:{address}")
    server.start()
    server.wait_for_termination()


class Echo:
    """What Pyro5 serves."""

    def process(self, data: bytes) -> bytes:
        """Return what came."""
        return data


@contextlib.contextmanager
def pyro_client(address: str) -> Iterator[Callable[[bytes], object]]:
    """Use its fastest serializer, which keeps bytes as they are."""
    import Pyro5.api  # noqa: PLC0415  only who is installed is imported

    Pyro5.config.SERIALIZER = "marshal"
    with Pyro5.api.Proxy(f"PYRO:echo@./u:{address}") as proxy:
        yield proxy.process


def pyro_serve(address: str) -> None:
    """Serve on a unix socket."""
    import Pyro5.api  # noqa: PLC0415  only who is installed is imported

    daemon = Pyro5.api.Daemon(unixsocket=address)
    daemon.register(Pyro5.api.expose(Echo), "echo")
    daemon.requestLoop()


@contextlib.contextmanager
def rpyc_client(address: str) -> Iterator[Callable[[bytes], object]]:
    """Call an exposed method of the root object."""
    from rpyc.utils.factory import unix_connect  # noqa: PLC0415  only who is installed is imported

    connection = unix_connect(address)
    yield connection.root.process
    connection.close()


def rpyc_serve(address: str) -> None:
    """Serve one client at a time."""
    import rpyc  # noqa: PLC0415  only who is installed is imported
    from rpyc.utils.server import OneShotServer  # noqa: PLC0415  only who is installed is imported

    class Service(rpyc.Service):
        def exposed_process(self, data: bytes) -> bytes:
            return data

    OneShotServer(Service, socket_path=address).start()


CLIENTS = {"grpcio": grpc_client, "Pyro5": pyro_client, "rpyc": rpyc_client}
SERVERS = {"grpcio": grpc_serve, "Pyro5": pyro_serve, "rpyc": rpyc_serve}

if __name__ == "__main__":
    threading.current_thread().name = "server"
    SERVERS[sys.argv[1]](sys.argv[2])
