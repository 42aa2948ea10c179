"""`mobileops.toolchain.tighten.recorder`, in this process: what is told for which event, and whose doing it is."""

from __future__ import annotations

import json
import os
import socket
import sys
import types

import pytest

from mobileops.toolchain.tighten import recorder as module
from mobileops.toolchain.tighten.recorder import Recorder


@pytest.fixture
def told():
    return []


@pytest.fixture
def one(told):
    return Recorder(lambda line: told.append(json.loads(line)))


def inside(name, source, **names):
    """Run a line of source as if it stood in a file of the plugin; return its namespace."""
    space = dict(names)
    exec(compile(source, f"/app/{name}", "exec"), space)  # noqa: S102  the frame is the point
    return space


def emit(one, event, *arguments, name="main.py"):
    inside(name, "one(event, arguments)", one=one, event=event, arguments=arguments)


def told_of(one, told, event, *arguments):
    emit(one, event, *arguments)
    return [record[:-1] for record in told]


@pytest.mark.parametrize(
    ("event", "arguments", "expected"),
    [
        ("open", ("/nowhere/a", "r", os.O_RDONLY), ["file", "/nowhere/a", "r", False]),
        ("open", ("/etc", None, os.O_RDWR), ["file", "/etc", "rw", True]),
        ("open", ("/etc/new", "w", os.O_WRONLY | os.O_CREAT), ["file", "/etc", "w", True]),
        ("open", (b"/etc", "r", os.O_RDONLY | os.O_TRUNC), ["file", "/etc", "rw", True]),
        ("os.listdir", ("/etc",), ["file", "/etc", "r", True]),
        ("os.mkdir", ("/etc/new", 0o777, -1), ["file", "/etc", "w", True]),
        ("os.truncate", ("/etc", 0), ["file", "/etc", "w", True]),
        ("os.symlink", ("target", "/etc/link", -1), ["file", "/etc", "w", True]),
        ("sqlite3.connect", ("/etc",), ["file", "/etc", "rw", True]),
        ("subprocess.Popen", ("/bin/true", ["true"], None, None), ["process", "/bin/true"]),
        ("os.system", (b"true",), ["process", "true"]),
        ("socket.getaddrinfo", ("a.test", "443", 0, 0, 0), ["lookup", "a.test", 443]),
        ("socket.getaddrinfo", ("a.test", "https", 0, 0, 0), ["lookup", "a.test", None]),
        ("socket.gethostbyname", ("a.test",), ["lookup", "a.test", None]),
    ],
)
def test_an_event_is_told(one, told, event, arguments, expected):
    assert told_of(one, told, event, *arguments) == [expected]


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", (3, "r", os.O_RDONLY)),
        ("open", (f"{sys.base_prefix}/lib/x.py", "rb", os.O_RDONLY)),
        ("sqlite3.connect", (":memory:",)),
        ("import", ("x", None, None, None, None)),
        ("os.listdir", ()),
    ],
)
def test_what_needs_no_permission_or_makes_no_sense_is_not_told(one, told, event, arguments):
    assert told_of(one, told, event, *arguments) == []


def test_sockets_are_told_with_protocol_and_the_name_that_was_looked_up(one, told):
    one.names["192.0.2.1"] = "a.test"
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_UNIX) as local:
        emit(one, "socket.connect", tcp, ("192.0.2.1", 443))
        emit(one, "socket.sendto", udp, ("192.0.2.2", 53))
        emit(one, "socket.bind", tcp, ("", 8080))
        emit(one, "socket.bind", tcp, ("", 0))
        emit(one, "socket.connect", local, "/path")
    assert [record[:-1] for record in told] == [
        ["connect", "tcp", "a.test", 443],
        ["connect", "udp", "192.0.2.2", 53],
        ["listen", 8080],
    ]


def test_the_same_thing_is_told_once(one, told):
    for _ in range(3):
        emit(one, "os.listdir", "/etc")
    assert told == [["file", "/etc", "r", True, ["main.py", 1]]]


@pytest.mark.parametrize("name", ["tests/test_it.py", "mobileops_recorder.py"])
def test_what_a_test_or_the_runner_does_itself_is_not_told(one, told, name):
    emit(one, "os.listdir", "/etc", name=name)
    assert told == []


def test_what_a_test_makes_the_plugin_do_is_the_plugins(one, told):
    plugin = inside("lib/inner.py", "def act(one):\n\n    one('os.listdir', ('/etc',))")
    inside("tests/test_it.py", "act(one)", act=plugin["act"], one=one)
    assert told == [["file", "/etc", "r", True, ["lib/inner.py", 3]]]


def test_what_a_dependency_does_is_told_with_the_plugins_line_if_there_is_one(one, told):
    vendored = inside("vendor/lib.py", "def act(one, path): one('os.listdir', (path,))")
    inside("main.py", "act(one, '/etc')", act=vendored["act"], one=one)
    inside("tests/test_it.py", "act(one, '/usr')", act=vendored["act"], one=one)
    assert [record[-1] for record in told] == [["main.py", 1], ["vendor/lib.py", 1]]


def test_methods_of_the_sdk_are_told_and_still_work(one, told):
    class Plugin:
        def send_message(self, target, message):
            return (target, message)

    module.watch_methods(one, Plugin)
    found = inside("main.py", "answer = plugin.send_message('peer', 1)", plugin=Plugin())
    assert found["answer"] == ("peer", 1)
    assert told == [["call", "send_message", "peer", ["main.py", 1]]]


def test_variables_are_told_when_the_plugin_reads_them_itself(one, told, monkeypatch):
    monkeypatch.setenv("MOBILEOPS_TEST_VARIABLE", "x")
    before = os.environ.__class__
    try:
        module.watch_environment(one)
        found = inside("main.py", "value = os.environ.get('MOBILEOPS_TEST_VARIABLE')\nall = dict(os.environ)", os=os)
        other = types.FunctionType(compile("os.environ.get('HOME')", "/usr/lib/other.py", "eval"), {"os": os})
        inside("main.py", "other()", other=other)
    finally:
        os.environ.__class__ = before
    assert found["value"] == "x"
    assert ["variable", "MOBILEOPS_TEST_VARIABLE", ["main.py", 1]] in told
    assert ["variable", None, ["main.py", 2]] in told
    assert ["variable", "HOME", ["main.py", 1]] not in told


def test_names_of_addresses_are_remembered(one, monkeypatch):
    monkeypatch.setattr(socket, "gethostbyname", lambda _name: "192.0.2.9")
    monkeypatch.setattr("_socket.getaddrinfo", lambda *_words: [(2, 1, 6, "", ("192.0.2.8", 80))])
    module.watch_lookups(one)
    socket.gethostbyname("b.test")
    socket.getaddrinfo("a.test", 80)
    assert one.names == {"192.0.2.8": "a.test", "192.0.2.9": "b.test"}
