"""The real launcher with a real zygote and a real broker: plugins here have a network, mediated."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from mobileops.errors import HostFault, IsolationRefused
from mobileops.runtime.audit import counts, read
from mobileops.runtime.isolation.credentials import UID_BASE, plugin_uid
from mobileops.runtime.isolation.network import Destination, NetworkGrants
from mobileops.runtime.isolation.policy import Limits, SandboxPolicy
from mobileops.runtime.launching import privileged_ports
from mobileops.runtime.launching.launcher import Launcher
from tests.fakes.reserved_port import reserved_port

LIMITS = Limits(memory_bytes=256 << 20, processes=32, open_files=128, file_size_bytes=1 << 20)
#: Does what the channel tells it, one Python expression or statement after the other, and says how it went.
PLUGIN = """
import errno, json, os, select, socket, struct, threading

def main(channel, assignment):
    scope = {"socket": socket, "select": select, "os": os, "struct": struct, "threading": threading, "errno": errno}
    for line in channel.makefile("rb"):
        try:
            answer = eval(json.loads(line), scope)
        except OSError as error:
            answer = [type(error).__name__, error.errno]
        except SyntaxError:
            answer = exec(json.loads(line), scope)
        channel.sendall(json.dumps(answer, default=repr).encode() + b"\\n")
"""


class Plugin:
    """A running plugin that evaluates what it is told."""

    def __init__(self, launched):
        self.launched = launched
        self._lines = launched.channel.makefile("rb")

    def tell(self, text):
        self.launched.channel.sendall(json.dumps(text).encode() + b"\n")

    def answer(self):
        return json.loads(self._lines.readline())

    def do(self, text):
        self.tell(text)
        return self.answer()

    def close(self):
        self._lines.close()
        self.launched.channel.close()
        os.close(self.launched.output)
        os.close(self.launched.pidfd)


@pytest.fixture(scope="module")
def base():
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        application = path / "plugins" / "p"
        application.mkdir(parents=True)
        (application / "entries.py").write_text(PLUGIN)
        for one in (path / "plugins", application):
            one.chmod(0o755)
        (application / "entries.py").chmod(0o644)
        yield path


@pytest.fixture(scope="module")
def launcher(base):
    with Launcher(plugins=base / "plugins", data=base / "data") as running:
        yield running


@pytest.fixture
def start(base, launcher):
    """Start a plugin with grants; it is ended afterwards."""
    started = []

    def launch(*, name="p", tcp=(), udp=(), listen=()):
        grants = NetworkGrants(
            tcp=tuple(Destination(f"tcp {host} {ports}", host, ports) for host, ports in tcp),
            udp=tuple(Destination(f"udp {host} {ports}", host, ports) for host, ports in udp),
            listen=tuple(listen),
        )
        application, data = str(base / "plugins" / "p"), str(base / "data" / name)
        policy = SandboxPolicy(name, application, data, plugin_uid(0), LIMITS, network=grants)
        started.append(Plugin(launcher.launch(policy, {}, entry="entries:main")))
        return started[-1]

    yield launch
    for plugin in started:
        plugin.close()


@pytest.fixture
def server():
    """A TCP server on loopback that greets; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            with client:
                client.sendall(b"host")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


@pytest.fixture
def echo():
    """A UDP server on loopback that answers; returns its port."""
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    endpoint.bind(("127.0.0.1", 0))

    def serve():
        while True:
            data, address = endpoint.recvfrom(65535)
            if data == b"end":
                return
            endpoint.sendto(b"re:" + data, address)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield endpoint.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"end", endpoint.getsockname())
    thread.join(10)
    endpoint.close()


@pytest.fixture
def free_port():
    with reserved_port() as port:
        yield port


def greeting(port, host="127.0.0.1"):
    return f"socket.create_connection(({host!r}, {port}), 10).recv(9).decode()"


DENIED = ["PermissionError", 13]


def test_a_granted_connection_is_made(start, server):
    assert start(tcp=[("127.0.0.1", (server,))]).do(greeting(server)) == "host"


def test_another_port_is_denied(start, server):
    assert start(tcp=[("127.0.0.1", (1,))]).do(greeting(server)) == DENIED


@pytest.mark.parametrize("host", [None, "localhost.example", "*.example"])
def test_loopback_is_denied_to_whoever_does_not_spell_it(start, server, host):
    assert start(tcp=[(host, None)]).do(greeting(server)) == DENIED


@pytest.mark.parametrize("disguise", ["::ffff:127.0.0.1", "::1", "::", "0.0.0.0", "127.0.0.2", "2002:7f00:1::1"])  # noqa: S104 (what must be refused)
def test_loopback_in_disguise_is_denied(start, server, disguise):
    assert start(tcp=[(None, None)]).do(greeting(server, disguise)) == DENIED


@pytest.mark.parametrize("metadata", ["169.254.169.254", "fd00:ec2::254", "10.0.0.1", "fe80::1", "100.100.100.200"])
def test_metadata_and_private_addresses_are_denied(start, metadata):
    assert start(tcp=[(None, None)]).do(greeting(80, metadata)) == DENIED


def test_a_blocking_socket_blocks_as_before_and_closes_on_exec(start, server):
    plugin = start(tcp=[("127.0.0.1", (server,))])
    plugin.do("one = socket.socket()")
    assert plugin.do(f"one.connect(('127.0.0.1', {server}))") is None
    assert plugin.do("[one.recv(9).decode(), one.get_inheritable(), bool(os.get_blocking(one.fileno()))]") == [
        "host",
        False,
        True,
    ]


def test_an_inheritable_descriptor_stays_inheritable(start, server):
    plugin = start(tcp=[("127.0.0.1", (server,))])
    plugin.do("one = socket.socket(); one.set_inheritable(True)")
    plugin.do(f"one.connect(('127.0.0.1', {server}))")
    assert plugin.do("one.get_inheritable()") is True


def test_a_socket_that_does_not_block_is_in_progress_and_then_writable(start, server):
    plugin = start(tcp=[("127.0.0.1", (server,))])
    plugin.do("one = socket.socket(); one.setblocking(False)")
    assert plugin.do(f"one.connect_ex(('127.0.0.1', {server}))") in {0, 115}
    assert plugin.do("len(select.select([], [one], [], 10)[1])") == 1
    assert plugin.do("one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)") == 0
    assert plugin.do("[os.get_blocking(one.fileno()), len(select.select([one], [], [], 10)[0])]") == [False, 1]


def test_a_refused_connection_is_refused(start, free_port):
    assert start(tcp=[("127.0.0.1", (free_port,))]).do(greeting(free_port)) == ["ConnectionRefusedError", 111]


def test_options_that_were_set_before_are_kept(start, server):
    plugin = start(tcp=[("127.0.0.1", (server,))])
    plugin.do(
        "one = socket.socket(); one.setsockopt(6, socket.TCP_NODELAY, 1);"
        "one.setsockopt(1, socket.SO_KEEPALIVE, 1); one.setsockopt(6, socket.TCP_KEEPIDLE, 77);"
        "one.setsockopt(1, socket.SO_RCVBUF, 30000)"
    )
    plugin.do(f"one.connect(('127.0.0.1', {server}))")
    options = "[one.getsockopt(6, socket.TCP_NODELAY), one.getsockopt(6, socket.TCP_KEEPIDLE), one.getsockopt(1, 8)]"
    assert plugin.do(options) == [1, 77, 60000]


@pytest.fixture
def stuck():
    """The port of a server that accepts nobody, with its queue full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _count in range(4)]
    for client in waiting:
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    yield listener.getsockname()[1]
    for one in (listener, *waiting):
        one.close()


def test_a_slow_connection_makes_no_other_wait(start, server, stuck):
    """The plugin that waits for it in one thread, and its neighbour, go on connecting."""
    slow = start(tcp=[("127.0.0.1", (stuck, server))])
    slow.do(
        f"waiting = threading.Thread(target=lambda: socket.create_connection(('127.0.0.1', {stuck})), daemon=True);"
        "waiting.start()"
    )
    assert slow.do(greeting(server)) == "host"
    assert slow.do("waiting.is_alive()") is True
    assert start(name="q", tcp=[("127.0.0.1", (server,))]).do(greeting(server)) == "host"


def test_datagrams_reach_the_granted_peer_and_come_back(start, echo):
    plugin = start(udp=[("127.0.0.1", (echo,))])
    plugin.do("one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); one.settimeout(10)")
    plugin.do(f"one.sendto(b'to', ('127.0.0.1', {echo}))")
    assert plugin.do("[one.recvfrom(99)[0].decode(), one.getsockname()[0]]")[0] == "re:to"
    plugin.do(f"one.sendmsg([b'msg'], [], 0, ('127.0.0.1', {echo}))")
    assert plugin.do("list(one.recvfrom(99)[1])") == ["127.0.0.1", echo]
    plugin.do(f"one.connect(('127.0.0.1', {echo}))")
    plugin.do("one.send(b'connected')")
    assert plugin.do("one.recv(99).decode()") == "re:connected"


def test_datagrams_elsewhere_are_denied(start, echo):
    plugin = start(udp=[("127.0.0.1", (1,))], tcp=[(None, None)])
    plugin.do("one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); one.settimeout(0.2)")
    assert plugin.do(f"one.sendto(b'to', ('127.0.0.1', {echo}))") == DENIED
    assert plugin.do(f"one.connect(('127.0.0.1', {echo}))") == DENIED


def test_a_datagram_to_another_host_on_a_granted_port_is_dropped_and_written_down(start, echo, base):
    plugin = start(name="drop", udp=[("192.0.2.1", (echo,))])
    plugin.do("one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); one.settimeout(0.5)")
    plugin.do(f"one.sendmsg([b'to'], [], 0, ('127.0.0.1', {echo}))")
    assert plugin.do("one.recv(9)") == ["TimeoutError", None]
    assert [line["verdict"] for line in read(base / "audit", "drop")] == ["denied"]


def test_a_granted_port_accepts_connections_of_the_host(start, free_port):
    plugin = start(listen=[free_port])
    plugin.do(f"server = socket.create_server(('127.0.0.1', {free_port}))")
    with socket.create_connection(("127.0.0.1", free_port), 10) as client:
        plugin.do("client = server.accept()[0]; client.sendall(b'plugin')")
        assert client.recv(9) == b"plugin"


def test_another_port_cannot_be_listened_on(start, free_port):
    plugin = start(listen=[65_535], tcp=[(None, None)])
    assert plugin.do(f"socket.create_server(('127.0.0.1', {free_port}))") == DENIED
    plugin.do("one = socket.socket(); one.bind(('127.0.0.1', 0))")
    assert plugin.do("one.listen()") == DENIED


def bindable(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_a_manager_that_may_binds_a_privileged_port_for_the_broker_and_another_refuses(start):
    if privileged_ports.privileged([80]) and not privileged_ports._may_bind(privileged_ports._STATUS):
        with pytest.raises(IsolationRefused, match="port 80") as caught:
            start(name="web", listen=[80])
        assert caught.value.code == "MOP4103"
        return
    port, other = [one for one in range(1023, 500, -1) if bindable(one)][:2]
    plugin = start(name="web", listen=[port])
    assert plugin.do(f"socket.create_server(('127.0.0.1', {other}))") == DENIED
    plugin.do(f"server = socket.create_server(('127.0.0.1', {port}))")
    assert plugin.do(f"socket.create_server(('127.0.0.1', {port}))") == ["OSError", errno.EADDRINUSE]
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        plugin.do("client = server.accept()[0]; client.sendall(b'plugin')")
        assert client.recv(9) == b"plugin"


def test_more_udp_ports_than_are_relayed_are_refused_by_name(start):
    with pytest.raises(IsolationRefused, match="121 UDP ports, at most 120") as caught:
        start(udp=[("127.0.0.1", tuple(range(1, 122)))])
    assert caught.value.code == "MOP4104"


def test_an_audit_folder_that_cannot_be_written_is_named(start, base):
    planted = base / "audit" / "unwritable.broker.jsonl"
    planted.parent.mkdir(exist_ok=True)
    planted.symlink_to("elsewhere")
    with pytest.raises(HostFault, match="cannot be written down") as caught:
        start(name="unwritable", tcp=[(None, None)])
    assert (caught.value.code, caught.value.where) == ("MOP4105", str(planted))


def test_a_broker_that_cannot_serve_is_named_and_serves_the_next_one(start, launcher):
    """No descriptor is left in the broker for another plugin."""
    start(name="first", tcp=[(None, None)])
    pid = launcher.broker.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    with pytest.raises(IsolationRefused, match="mediated network calls") as caught:
        start(name="second", tcp=[(None, None)])
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert caught.value.code == "MOP4102"
    assert start(name="third", tcp=[(None, None)]).do("1 + 1") == 2


def test_names_are_answered_from_inside_the_namespace(start):
    plugin = start(tcp=[("localhost", (1,)), ("api.invalid", (80,))])
    assert plugin.do("socket.getaddrinfo('localhost', 1)[0][4][0]") in {"127.0.0.1", "::1"}
    for name in ("api.invalid", "elsewhere.invalid"):
        assert plugin.do(f"socket.getaddrinfo({name!r}, 80)") == ["gaierror", -2]


def test_every_decision_is_written_down_and_counted(start, server, base):
    plugin = start(name="audited", tcp=[("127.0.0.1", (server,))])
    plugin.do(greeting(server))
    plugin.do(greeting(1))
    lines = [(line["target"], line["verdict"]) for line in read(base / "audit", "audited")]
    assert lines == [(f"tcp 127.0.0.1:{server}", "allowed"), ("tcp 127.0.0.1:1", "denied")]
    permission = f"tcp 127.0.0.1 ({server},)"
    assert counts(base / "audit", "audited").of == {("allowed", "connect", permission): 1, ("denied", "connect", ""): 1}


def test_a_connection_that_cannot_be_written_down_is_not_made(start, server, launcher):
    """The broker may not write one byte more to any file: whatever it decides, nothing comes of it."""
    plugin = start(name="unwritten", tcp=[("127.0.0.1", (server,))])
    before = resource.prlimit(launcher.broker.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    assert plugin.do(greeting(server)) == ["OSError", errno.EFBIG]
    resource.prlimit(launcher.broker.pid, resource.RLIMIT_FSIZE, before)
    assert plugin.do(greeting(server)) == "host"


@pytest.mark.root
def test_the_broker_of_root_is_nobody_to_the_host(start, launcher):
    start(tcp=[(None, None)])
    status = Path(f"/proc/{launcher.broker.pid}/status").read_text()
    assert status.partition("Uid:")[2].split()[:4] == [str(UID_BASE)] * 4
    assert Path(f"/proc/{launcher.broker.pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink()
    assert Path(f"/proc/{launcher.broker.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()


def test_without_its_broker_a_plugin_has_no_network_and_the_next_one_has(start, server, launcher):
    plugin = start(tcp=[("127.0.0.1", (server,))])
    assert plugin.do(greeting(server)) == "host"
    first = launcher.broker
    os.kill(first.pid, signal.SIGKILL)
    first._process.wait(10)
    assert plugin.do(greeting(server)) == ["OSError", 38]
    assert start(name="next", tcp=[("127.0.0.1", (server,))]).do(greeting(server)) == "host"
    assert launcher.broker.pid != first.pid
